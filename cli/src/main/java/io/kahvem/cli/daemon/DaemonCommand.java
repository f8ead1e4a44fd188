package io.kahvem.cli.daemon;

import io.kahvem.cli.CliContext;
import io.kahvem.cli.CliException;
import io.kahvem.cli.ExitStatus;
import io.kahvem.cli.PlainCommand;
import io.kahvem.cli.PlainOptions;
import io.kahvem.daemon.Daemon;
import io.kahvem.daemon.DaemonConfig;
import io.kahvem.daemon.DaemonException;
import io.kahvem.daemon.MachineStarter;
import io.kahvem.daemon.Users;
import io.kahvem.host.LocalServerSocket;
import io.kahvem.host.LocalSocket;
import io.kahvem.host.OsThread;
import io.kahvem.hypervisor.Availability;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `kahvem daemon`: serves until a signal ends it; machines go on.
@Command(
        name = "daemon",
        description = {
            "Keeps machines: virsh, virt-install and every other program of libvirt's find it where they look for libvirtd.",
            "Ends with SIGTERM or SIGINT; machines go on running, and the next daemon finds them."
        },
        sortOptions = false)
public final class DaemonCommand implements PlainCommand {
    private static final String UNIX = "unix:";

    private static final int COMPILER_NICE = 10;

    private final CliContext context;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    @SuppressWarnings("UnusedVariable") // picocli reads it
    private boolean help;

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = {"Listen here, beside any other daemon; PATH-ro gives read-only connections.",
                "virsh -c 'qemu:///system?socket=PATH' connects. Goes with --state."})
    private @Nullable Path socket;

    @Option(names = "--state", paramLabel = "DIR", description = "Keep definitions here. Goes with --socket.")
    private @Nullable Path state;

    @Option(names = "--group", paramLabel = "NAME", description = "Members of this group may use it; otherwise only its own user.")
    private @Nullable String group;

    @Option(
            names = "--tcp",
            paramLabel = "ADDRESS:PORT",
            description = "Listen by TCP too, on the loopback alone (qemu+tcp://); clients prove by SCRAM-SHA-256 who they are.")
    private @Nullable String tcp;

    @Option(
            names = "--tls",
            paramLabel = "ADDRESS:PORT",
            description = "Listen by TLS too (qemu+tls://); clients show certificates. Goes with --pki.")
    private @Nullable String tls;

    @Option(names = "--pki", paramLabel = "DIR", description = "Has cacert.pem, servercert.pem and serverkey.pem.")
    private @Nullable Path pki;

    @Option(names = "--sasl", description = "Clients of --tls prove by SCRAM-SHA-256 too who they are.")
    private boolean sasl;

    @Option(
            names = "--metrics",
            paramLabel = "ADDRESS:PORT|unix:PATH",
            description = "Answer GET /metrics there for Prometheus, on the loopback alone or on a UNIX socket.")
    private @Nullable String metrics;

    @Option(
            names = "--log",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "How the daemon's own messages look on standard error: text (default) or json, a line each.")
    private String log = "text";

    @Option(
            names = "--add-user",
            paramLabel = "NAME",
            description = "Read a password from standard input, keep what proves it, and end: the user may connect by TCP, or with --sasl.")
    private @Nullable String addUser;

    private @Nullable Boolean kvm;

    public DaemonCommand(CliContext context) {
        this.context = context;
    }

    @Override
    public boolean takesPlainly(List<String> arguments) {
        return PlainOptions.take(arguments, Set.of(), this::takesFlag, this::takesValue);
    }

    private boolean takesFlag(String flag) {
        if (!flag.equals("--sasl")) return false;
        sasl = true;
        return true;
    }

    private boolean takesValue(String option, String value) {
        switch (option) {
            case "--socket" -> socket = Path.of(value);
            case "--state" -> state = Path.of(value);
            case "--group" -> group = value;
            case "--tcp" -> tcp = value;
            case "--tls" -> tls = value;
            case "--pki" -> pki = Path.of(value);
            case "--metrics" -> metrics = value;
            case "--log" -> log = value;
            case "--add-user" -> addUser = value;
            default -> {
                return false;
            }
        }
        return true;
    }

    @Override
    public Integer call() throws InterruptedException {
        Thread.ofPlatform().daemon().name("linking").start(LocalSocket::prepare);
        if ((socket == null) != (state == null)) {
            throw CliException.badInput("--socket and --state go together\n  Give both: kahvem daemon --socket PATH --state DIR");
        }
        if ((tls == null) != (pki == null)) throw CliException.badInput("--tls and --pki go together");
        if (sasl && tls == null) throw CliException.badInput("--sasl goes with --tls; by --tcp clients always prove who they are");
        DaemonConfig config = config();
        if (addUser != null) return addUser(config, addUser);
        DaemonLog.prepare(switch (log) {
            case "text" -> DaemonLog.Format.TEXT;
            case "json" -> DaemonLog.Format.JSON;
            default -> throw CliException.badInput("--log: %s is neither text nor json".formatted(log));
        });
        List<LocalServerSocket> handed = HandedSockets.of(context.environment(), ProcessHandle.current().pid());
        CompletableFuture<Integer> end = new CompletableFuture<>();
        context.processEnd().onSignal(number -> end.complete(ExitStatus.OK));
        try (Daemon daemon = Daemon.start(config, this::canRunKvm, handed)) {
            if (tcp != null) daemon.listenTcp(address("--tcp", tcp));
            if (tls != null && pki != null) daemon.listenTls(address("--tls", tls), pki, sasl);
            if (metrics != null && metrics.startsWith(UNIX)) daemon.serveMetrics(Path.of(metrics.substring(UNIX.length())));
            else if (metrics != null) daemon.serveMetrics(address("--metrics", metrics));
            daemon.autostart();
            context.err().println("kahvem: the daemon listens on " + daemon.socket() + "; " + daemon.domains() + " machines are known");
            // HotSpot compiles what the first clients call while they wait for it.
            OsThread.makeWay("C1 Compiler", COMPILER_NICE);
            OsThread.makeWay("C2 Compiler", COMPILER_NICE);
            return end.join();
        } catch (DaemonException e) {
            throw CliException.hostFailed(String.valueOf(e.getMessage()));
        }
    }

    private int addUser(DaemonConfig config, String name) {
        try {
            String password = new BufferedReader(new InputStreamReader(context.in(), StandardCharsets.UTF_8)).readLine();
            if (password == null || password.isEmpty()) {
                throw CliException.badInput("--add-user: no password on standard input\n  echo PASSWORD | kahvem daemon --add-user NAME");
            }
            new Users(config.state().resolve("users")).put(name, password.toCharArray());
            return ExitStatus.OK;
        } catch (IOException | DaemonException e) {
            throw CliException.hostFailed(String.valueOf(e.getMessage()));
        }
    }

    private static InetSocketAddress address(String option, String text) {
        int colon = text.lastIndexOf(':');
        try {
            if (colon > 0) return new InetSocketAddress(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            throw CliException.badInput("%s: %s is no ADDRESS:PORT".formatted(option, text));
        }
        throw CliException.badInput("%s: %s is no ADDRESS:PORT".formatted(option, text));
    }

    private DaemonConfig config() {
        boolean root = "root".equals(System.getProperty("user.name"));
        MachineStarter machines = ConfinedMachines.of(OwnCommand.before("daemon"), context);
        DaemonConfig standard = DaemonConfig.standard(root, context.environment(), emulator(), machines);
        DaemonConfig config = socket == null || state == null
                ? standard : standard.at(socket.toAbsolutePath().normalize(), state.toAbsolutePath().normalize());
        return config.withGroup(Optional.ofNullable(group));
    }

    /// The launcher, which tells us where it is; without one the JVM.
    private static Path emulator() {
        String launcher = System.getProperty("kahvem.launcher");
        return launcher != null && Files.isExecutable(Path.of(launcher))
                ? Path.of(launcher) : Path.of(System.getProperty("java.home"), "bin", "java");
    }

    private synchronized boolean canRunKvm() {
        if (kvm == null) {
            kvm = context.machineHost().get().engines().stream().filter(engine -> engine.name().equals("kvm"))
                    .anyMatch(engine -> engine.availability() instanceof Availability.Available);
        }
        return kvm;
    }
}
