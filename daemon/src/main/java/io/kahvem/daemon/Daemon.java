package io.kahvem.daemon;

import io.kahvem.daemon.domain.DomainLife;
import io.kahvem.daemon.domain.DomainPublisher;
import io.kahvem.daemon.domain.DomainRegistry;
import io.kahvem.daemon.domain.MachineTypes;
import io.kahvem.daemon.machine.CpuCheck;
import io.kahvem.daemon.machine.QmpLauncher;
import io.kahvem.daemon.node.Capabilities;
import io.kahvem.daemon.node.HostFiles;
import io.kahvem.daemon.node.HostNode;
import io.kahvem.daemon.operations.AuditLog;
import io.kahvem.daemon.operations.Metrics;
import io.kahvem.daemon.operations.MetricsServer;
import io.kahvem.daemon.operations.MetricsSocket;
import io.kahvem.daemon.rpc.Certificates;
import io.kahvem.daemon.rpc.Events;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.daemon.rpc.Server;
import io.kahvem.daemon.rpc.TcpListener;
import io.kahvem.daemon.rpc.TlsListener;
import io.kahvem.daemon.rpc.UnixListener;
import io.kahvem.daemon.secret.SecretRegistry;
import io.kahvem.daemon.service.ConnectService;
import io.kahvem.daemon.service.DomainAbsencesService;
import io.kahvem.daemon.service.DomainLifeService;
import io.kahvem.daemon.service.DomainService;
import io.kahvem.daemon.service.DomainStatisticsService;
import io.kahvem.daemon.service.DomainTuningService;
import io.kahvem.daemon.service.EventService;
import io.kahvem.daemon.service.NodeService;
import io.kahvem.daemon.service.SaslService;
import io.kahvem.daemon.service.SecretService;
import io.kahvem.daemon.service.StorageService;
import io.kahvem.daemon.storage.PoolRegistry;
import io.kahvem.host.LocalServerSocket;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;

/// A daemon that serves from [#start] until it is closed. Machines outlive it.
public final class Daemon implements AutoCloseable {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon");
    private static final int MAX_VCPUS = 255;

    private final DaemonConfig config;
    private final Server server;
    private final DomainRegistry domains;
    private final DomainLife life;
    private final Metrics metrics;
    private final List<AutoCloseable> others = new ArrayList<>();

    private Daemon(DaemonConfig config, Server server, DomainRegistry domains, DomainLife life) {
        this.life = life;
        this.config = config;
        this.server = server;
        this.domains = domains;
        this.metrics = new Metrics(server::clients, domains::all);
        server.observe(metrics);
        server.observe(new AuditLog(config.state().resolve("audit.log"), Clock.systemUTC()));
    }

    /// Reads the state, finds the machines that run, and listens. Throws [DaemonException] where it cannot.
    ///
    /// @param kvm whether the KVM engine can run machines on this host; asked by whoever defines a machine
    public static Daemon start(DaemonConfig config, BooleanSupplier kvm) {
        return start(config, kvm, List.of());
    }

    /// The same on sockets that somebody has made for it (sd_listen_fds(3)); those that are not among them it makes itself.
    public static Daemon start(DaemonConfig config, BooleanSupplier kvm, List<LocalServerSocket> made) {
        Handlers handlers = new Handlers();
        Events events = new Events();
        HostNode node = new HostNode(new HostFiles(Path.of("/")));
        MachineTypes types = new MachineTypes(config.emulator(), kvm, MAX_VCPUS, config.state().resolve("nvram"));
        DomainRegistry domains = new DomainRegistry(types, config.state(), new DomainPublisher(events));
        domains.load();
        Capabilities capabilities = new Capabilities(node, types, hostUuid(config.state()));
        CpuCheck cpuCheck = new CpuCheck(capabilities::cpuFeatures);
        DomainLife life = new DomainLife(domains, new QmpLauncher(config.starter(), cpuCheck), config.runtime());
        life.findRunning();
        new DomainLifeService(domains, life).bind(handlers);
        new DomainStatisticsService(domains, node).bind(handlers);
        new DomainTuningService(domains).bind(handlers);
        new DomainAbsencesService(domains).bind(handlers);
        new ConnectService(config.uri(), node).bind(handlers);
        new NodeService(node, capabilities, types).bind(handlers);
        new DomainService(domains).bind(handlers);
        PoolRegistry pools = new PoolRegistry(config.state(), config.runtime(), events);
        pools.load();
        new StorageService(pools).bind(handlers);
        SecretRegistry secrets = new SecretRegistry(config.state(), events);
        secrets.load();
        new SecretService(secrets).bind(handlers);
        new SaslService(new Users(config.state().resolve("users"))).bind(handlers);
        new EventService(events).bind(handlers);
        Server server = new Server(handlers, config.limits());
        Daemon daemon = new Daemon(config, server, domains, life);
        try {
            daemon.listen(made);
        } catch (RuntimeException e) {
            daemon.close();
            throw e;
        }
        return daemon;
    }

    /// The host's number in SMBIOS, or where it shows none one of our own, which stays.
    private static UUID hostUuid(Path state) {
        Path file = state.resolve("host-uuid");
        for (Path known : List.of(Path.of("/sys/class/dmi/id/product_uuid"), file)) {
            try {
                return UUID.fromString(Files.readString(known).strip());
            } catch (IOException | IllegalArgumentException none) {
                continue;
            }
        }
        UUID made = UUID.randomUUID();
        AtomicFiles.write(file, made + "\n");
        return made;
    }

    /// Starts the machines that start with the host, once a boot of it.
    public void autostart() {
        Path marker = config.runtime().resolve("autostarted");
        try {
            String boot = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
            if (Files.exists(marker) && Files.readString(marker).strip().equals(boot)) return;
            AtomicFiles.write(marker, boot + "\n");
        } catch (IOException e) {
            LOG.log(Level.WARNING, "cannot tell whether the host has started anew: {0}; no machine is started with it", e.getMessage());
            return;
        }
        life.autostart();
    }

    private void listen(List<LocalServerSocket> made) {
        String everything = config.group().isPresent() ? "rw-rw----" : "rw-------";
        String reading = config.group().isPresent() ? "rw-rw-rw-" : "rw-------";
        for (LocalServerSocket socket : made) {
            if (socket.path().equals(config.socket()) || socket.path().equals(config.readOnlySocket())) continue;
            throw new DaemonException("a socket was handed on at %s, and this daemon listens on %s and %s\n  Set ListenStream in its unit"
                    .formatted(socket.path(), config.socket(), config.readOnlySocket()));
        }
        server.listen(listener(made, config.socket(), false, everything));
        server.listen(listener(made, config.readOnlySocket(), true, reading));
    }

    private UnixListener listener(List<LocalServerSocket> made, Path path, boolean readOnly, String permissions) {
        for (LocalServerSocket socket : made) {
            if (socket.path().equals(path)) return new UnixListener(socket, readOnly);
        }
        return new UnixListener(path, readOnly, permissions, config.group().orElse(null));
    }

    /// Takes connections by TCP too, on the host's loopback, from the daemon's users. Returns the port.
    public int listenTcp(InetSocketAddress address) {
        TcpListener listener = new TcpListener(address);
        server.listen(listener);
        return listener.port();
    }

    /// Takes connections by TLS too, from clients whose certificates the authority in `certificates` has signed, and with `sasl` from the
    /// daemon's users alone. Returns the port.
    public int listenTls(InetSocketAddress address, Path certificates, boolean sasl) {
        TlsListener listener = new TlsListener(address, Certificates.ofServer(certificates), sasl);
        server.listen(listener);
        return listener.port();
    }

    /// Answers `GET /metrics` there, on the host's loopback. Returns the port.
    public int serveMetrics(InetSocketAddress address) {
        MetricsServer serving = new MetricsServer(address, metrics);
        others.add(serving);
        return serving.port();
    }

    /// Answers it on a UNIX socket.
    public void serveMetrics(Path socket) {
        others.add(new MetricsSocket(socket, metrics));
    }

    public Path socket() {
        return config.socket();
    }

    /// How many machines are defined or run.
    public int domains() {
        return domains.all().size();
    }

    /// Stops listening and ends all connections; leaves machines running.
    @Override
    public void close() {
        server.close();
        for (AutoCloseable each : others) {
            try {
                each.close();
            } catch (Exception e) {
                LOG.log(Level.DEBUG, "closing what answers for metrics", e);
            }
        }
        life.release();
    }
}
