package io.kahvem.libvirt;

import io.kahvem.libvirt.protocol.Common;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.DomainEvents;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Event;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Storage;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/// A connection to a daemon, ours or libvirt's own.
///
/// ```java
/// try (Connection connection = Connection.open("qemu:///system")) {
///     for (Domain domain : connection.domains()) System.out.println(domain.name() + " " + domain.state());
///     connection.define(xml).start();
/// }
/// ```
///
/// Safe from any thread; calls of several threads run at once. Methods throw [LibvirtException], by its kinds.
public final class Connection implements AutoCloseable {
    private static final int READ_ONLY = 1;
    private static final int KEEPALIVE = 10;
    private static final int SASL = 1;

    private final RpcClient rpc;

    private Connection(RpcClient rpc) {
        this.rpc = rpc;
    }

    /// Connects to the daemon of a URI such as `qemu:///system` or `qemu+tls://host/system`. Throws [InvalidInputException] for one that is
    /// none, [ConnectionLostException] where nobody answers there, [DeniedException] where we may not.
    public static Connection open(String uri) {
        return with().open(uri);
    }

    /// Opens connections that are not quite as usual.
    public static Builder with() {
        return new Builder();
    }

    /// How a connection is opened.
    public static final class Builder {
        private boolean readOnly;
        private Credentials credentials = Credentials.none();
        private @Nullable SSLContext tls;
        private Duration keepAlive = Duration.ZERO;
        private int keepAliveCount;

        private Builder() {}

        /// The connection only reads.
        public Builder readOnly() {
            readOnly = true;
            return this;
        }

        /// Who asks, where the daemon wants to know.
        public Builder credentials(Credentials credentials) {
            this.credentials = credentials;
            return this;
        }

        /// Whose certificates are trusted, and which is ours; without it the JDK's.
        public Builder tls(SSLContext tls) {
            this.tls = tls;
            return this;
        }

        /// Asks each `interval` whether the daemon is there, and ends the connection after `count` times without a sign of it. Otherwise,
        /// and with an interval of zero, only the system's own means tell.
        public Builder keepAlive(Duration interval, int count) {
            keepAlive = interval;
            keepAliveCount = count;
            return this;
        }

        public Connection open(String text) {
            ConnectionUri uri = ConnectionUri.parse(text, readOnly, System.getenv());
            RpcClient rpc = new RpcClient(Channels.connect(uri, () -> tls == null ? jdkTls() : tls));
            try {
                authenticate(rpc);
                boolean answersPings = rpc.call(Connections.SUPPORTS_FEATURE, new IntValue(KEEPALIVE)).value() != 0;
                rpc.call(Connections.OPEN, new Connections.Open(Optional.of(uri.driver()), readOnly ? READ_ONLY : 0));
                if (answersPings && keepAlive.isPositive()) rpc.keepAlive(keepAlive, keepAliveCount);
                return new Connection(rpc);
            } catch (RuntimeException e) {
                rpc.close();
                throw e;
            }
        }

        private static SSLContext jdkTls() {
            try {
                return SSLContext.getDefault();
            } catch (NoSuchAlgorithmException e) {
                throw new ConnectionLostException("this JDK has no TLS", e);
            }
        }

        private void authenticate(RpcClient rpc) {
            if (!rpc.call(Connections.AUTH_LIST, new None()).types().contains(SASL)) return;
            String mechanisms = rpc.call(Connections.AUTH_SASL_INIT, new None()).text();
            if (!List.of(mechanisms.split("[ ,]+")).contains(Scram.MECHANISM)) {
                throw LibvirtException.of(ErrorCode.AUTH_FAILED, ErrorDomain.AUTH,
                        "the daemon knows %s, this client %s".formatted(mechanisms, Scram.MECHANISM));
            }
            Credentials.Password password = credentials.password().orElseThrow(() ->
                    LibvirtException.of(ErrorCode.AUTH_FAILED, ErrorDomain.AUTH, "the daemon wants a name and a password"));
            Scram.Client scram = new Scram.Client(password.user(), password.password(), new SecureRandom());
            Connections.SaslAnswer challenge =
                    rpc.call(Connections.AUTH_SASL_START, new Connections.SaslStart(Scram.MECHANISM, 0, scram.first()));
            Connections.SaslAnswer last = rpc.call(Connections.AUTH_SASL_STEP, new Connections.SaslStep(0, scram.last(challenge.data())));
            scram.verify(last.data());
            if (last.complete() == 0) rpc.call(Connections.AUTH_SASL_STEP, new Connections.SaslStep(1, new byte[0]));
        }
    }

    /// Any procedure of the protocol's tables, for what has no method here.
    public <A extends Record, R extends Record> R call(Procedure<A, R> procedure, A arguments) {
        return rpc.call(procedure, arguments);
    }

    /// Any procedure that opens a stream.
    public <A extends Record, R extends Record> RpcStream stream(Procedure<A, R> procedure, A arguments) {
        return rpc.stream(procedure, arguments);
    }

    public boolean isOpen() {
        return rpc.isOpen();
    }

    // ---- the host

    public String hostname() {
        return call(Connections.GET_HOSTNAME, new None()).text();
    }

    /// The host's and the hypervisor's abilities, as XML.
    public String capabilities() {
        return call(Connections.GET_CAPABILITIES, new None()).text();
    }

    /// The daemon's version: major * 1,000,000 + minor * 1,000 + release.
    public long libraryVersion() {
        return call(Connections.GET_LIB_VERSION, new None()).value();
    }

    // ---- machines

    /// All machines, running or not.
    public List<Domain> domains() {
        return call(Domains.LIST_ALL, new Common.ListAll(1, 0)).domains().stream().map(this::domain).toList();
    }

    /// The machine of that name. Throws [NotFoundException].
    public Domain domain(String name) {
        return domain(call(Domains.LOOKUP_BY_NAME, new Common.Text(name)));
    }

    public Domain domain(UUID uuid) {
        return domain(call(Domains.LOOKUP_BY_UUID, new Common.ByUuid(uuid)));
    }

    private Domain domain(DomainRef ref) {
        return new Domain(this, ref);
    }

    /// Defines a machine by its XML, or defines it anew.
    public Domain define(String xml) {
        return domain(call(Domains.DEFINE_XML, new Common.Text(xml)));
    }

    /// Starts a machine that is gone when it ends.
    public Domain create(String xml) {
        return domain(call(Domains.CREATE_XML, new Common.TextFlags(xml, 0)));
    }

    /// What happened to a machine.
    public record LifecycleEvent(Domain domain, int event, int detail) {}

    /// Tells `listener` of every machine's life, in order, until what is returned is closed. It is called on a thread of the connection's
    /// and may call the daemon.
    public Subscription onLifecycle(Consumer<LifecycleEvent> listener) {
        DomainEvents.Register all = new DomainEvents.Register(DomainEvents.Id.LIFECYCLE.ordinal(), Optional.empty());
        return listen(DomainEvents.LIFECYCLE, DomainEvents.REGISTER, all, DomainEvents.DEREGISTER,
                message -> listener.accept(new LifecycleEvent(domain(message.domain()), message.event(), message.detail())));
    }

    /// Any event of the protocol's tables, for what has no method here: `register` with `arguments` asks for it, and `deregister` ends it.
    public <M extends Record, A extends Record> Subscription listen(
            Event<M> event, Procedure<A, IntValue> register, A arguments, Procedure<IntValue, None> deregister, Consumer<M> listener) {
        int callback = rpc.listen(event, register, arguments, packet -> listener.accept(packet.decode(event.codec())));
        return () -> {
            rpc.unlisten(event, callback);
            if (rpc.isOpen()) call(deregister, new IntValue(callback));
        };
    }

    /// Ends with its closing.
    @FunctionalInterface
    public interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    // ---- storage

    public List<StoragePool> pools() {
        return call(Storage.LIST_ALL_POOLS, new Common.ListAll(1, 0)).pools().stream().map(ref -> new StoragePool(this, ref)).toList();
    }

    public StoragePool pool(String name) {
        return new StoragePool(this, call(Storage.POOL_LOOKUP_BY_NAME, new Common.Text(name)));
    }

    public StoragePool definePool(String xml) {
        return new StoragePool(this, call(Storage.POOL_DEFINE_XML, new Common.TextFlags(xml, 0)));
    }

    @Override
    public void close() {
        if (rpc.isOpen()) {
            try {
                rpc.call(Connections.CLOSE, new None());
            } catch (LibvirtException gone) {
                System.getLogger("io.kahvem.libvirt").log(System.Logger.Level.DEBUG, "closing a connection", gone);
            }
        }
        rpc.close();
    }
}
