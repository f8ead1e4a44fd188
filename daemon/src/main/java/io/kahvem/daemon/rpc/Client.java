package io.kahvem.daemon.rpc;

import io.kahvem.daemon.LazyLogger;
import io.kahvem.host.Descriptor;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Procedure.Access;
import io.kahvem.libvirt.protocol.Program;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.PacketReader;
import io.kahvem.libvirt.rpc.Status;
import io.kahvem.libvirt.rpc.StreamHole;
import io.kahvem.libvirt.xdr.XdrException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// One connection: it reads packets on one thread, runs each call on another, several at once, but those that wait for nothing, and answers
/// each when it is done.
public final class Client {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.rpc");
    private static final int PING = 1;
    private static final int PONG = 2;

    /// What libvirt passes with a call (VIR_NET_MESSAGE_NUM_FDS_MAX).
    private static final int MOST_DESCRIPTORS = 32;

    /// Calls that may wait beyond those that run; then this client is not read from until one is done.
    private static final int WAITING_CALLS = 64;

    /// What a client may leave unread before streams wait for it, and before it is given up.
    private static final long STREAM_BACKLOG_BYTES = 4L << 20;

    private static final long BACKLOG_BYTES = 256L << 20;

    private final Link link;
    private final Handlers handlers;
    private final Limits limits;
    private final List<CallObserver> observers;
    private final Outbox outbox;
    private final Semaphore running;
    private final Semaphore waiting = new Semaphore(WAITING_CALLS);
    private final Map<Integer, OpenStream> streams = new ConcurrentHashMap<>();
    private final List<Runnable> onClose = new CopyOnWriteArrayList<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean open;
    private volatile boolean readOnly;
    private volatile boolean authenticated;
    private volatile String user;
    private volatile boolean knowsKeepalive;
    private volatile long lastHeardNanos;
    private volatile int unansweredPings;

    private record OpenStream(OutgoingStream out, IncomingStream in) {}

    Client(Link link, Handlers handlers, Limits limits, List<CallObserver> observers) {
        this.observers = observers;
        this.link = link;
        this.handlers = handlers;
        this.limits = limits;
        this.user = link.peer();
        this.readOnly = link.readOnly();
        this.authenticated = link.authenticated();
        this.outbox = new Outbox(link.channel(), this::close);
        this.running = new Semaphore(limits.maxClientRequests());
    }

    // ---- what handlers may know and do

    public Link link() {
        return link;
    }

    /// Who it is, for the audit log.
    public String user() {
        return user;
    }

    public boolean isReadOnly() {
        return readOnly;
    }

    public boolean isOpen() {
        return open;
    }

    public boolean isAuthenticated() {
        return authenticated;
    }

    /// From here on it may do what its socket allows. `name` is who SASL found it to be.
    public void authenticated(String name) {
        user = name;
        authenticated = true;
    }

    /// From here on it may call everything, or only what reads.
    public void open(boolean readOnly) {
        this.readOnly |= readOnly;
        open = true;
    }

    /// The client answers pings, so it may be sent some.
    public void knowsKeepalive() {
        knowsKeepalive = true;
    }

    /// Runs `action` once, when the connection has ended.
    public void onClose(Runnable action) {
        onClose.add(action);
        if (closed.get() && onClose.remove(action)) action.run();
    }

    /// Sends a packet without waiting for the client; one that reads nothing at all is given up.
    public void sendEvent(ByteBuffer packet) {
        if (closed.get()) return;
        outbox.sendLater(packet);
        if (outbox.waitingBytes() > BACKLOG_BYTES) {
            LOG.log(Level.WARNING, "client {0} reads nothing: {1} bytes wait for it; its connection is closed", user,
                    outbox.waitingBytes());
            close();
        }
    }

    /// Ends the connection; its calls run to their end unheard.
    public void close() {
        if (!closed.compareAndSet(false, true)) return;
        outbox.close();
        try {
            link.channel().close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a connection", e);
        }
        for (OpenStream stream : List.copyOf(streams.values())) {
            if (stream.out().end()) stream.in().abort();
        }
        for (Runnable action : onClose) action.run();
    }

    // ---- the connection's own

    /// Reads until the connection ends, one way or another.
    void serve() {
        lastHeardNanos = System.nanoTime();
        try {
            PacketReader reader = new PacketReader(link.channel());
            for (Packet packet; (packet = reader.read()) != null; ) {
                lastHeardNanos = System.nanoTime();
                unansweredPings = 0;
                if (packet.header().messageType().orElse(null) == MessageType.CALL_WITH_FDS) receiveWithDescriptors(packet, reader);
                else receive(packet, List.of());
            }
        } catch (IOException e) {
            if (!closed.get()) LOG.log(Level.DEBUG, () -> "connection of " + user + " ended: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            bug(e);
        } finally {
            close();
            if (link.channel() instanceof UnixChannel channel) channel.drop();
        }
    }

    /// The count of descriptors stands before the arguments; each comes with an octet of its own behind the packet.
    private void receiveWithDescriptors(Packet packet, PacketReader reader) throws IOException, InterruptedException {
        int count = packet.payload().length < 4 ? -1 : ByteBuffer.wrap(packet.payload()).getInt();
        if (count < 0 || count > MOST_DESCRIPTORS) {
            throw new IOException("a call with %d descriptors: %d are allowed".formatted(count, MOST_DESCRIPTORS));
        }
        reader.skip(count);
        List<Descriptor> descriptors = List.of();
        if (link.channel() instanceof UnixChannel channel) {
            descriptors = channel.takeDescriptors(count);
        } else if (count > 0) {
            throw new IOException("descriptors come only from this host");
        }
        Header header = packet.header();
        receive(new Packet(header, Arrays.copyOfRange(packet.payload(), 4, packet.payload().length)), descriptors);
    }

    private static void dropAll(List<Descriptor> descriptors) {
        descriptors.forEach(Descriptor::close);
    }

    /// A bug of ours costs this client its connection, and nobody else anything.
    private void bug(Throwable e) {
        LOG.log(Level.ERROR, "a bug in Kahvem: the connection of " + user + " is closed", e);
        close();
    }

    /// Pings a client that has been silent, and closes one that stays so: called now and then.
    void checkAlive() {
        if (!knowsKeepalive || closed.get()) return;
        long silentSeconds = (System.nanoTime() - lastHeardNanos) / 1_000_000_000L;
        int pings = unansweredPings;
        if (silentSeconds < (long) limits.keepaliveSeconds() * (pings + 1)) return;
        if (pings >= limits.keepaliveCount()) {
            LOG.log(Level.INFO, "client {0} answers no pings; its connection is closed", user);
            close();
            return;
        }
        unansweredPings = pings + 1;
        sendEvent(keepalive(PING));
    }

    void send(ByteBuffer packet) {
        if (!closed.get()) outbox.send(packet);
    }

    /// Sends a packet, and waits while much is unread: streams end up as slow as their reader.
    void sendAndWait(ByteBuffer packet) {
        while (outbox.waitingBytes() > STREAM_BACKLOG_BYTES && !closed.get()) {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        send(packet);
    }

    void forget(int serial) {
        streams.remove(serial);
    }

    /// `descriptors` are closed when the call is done, or is none.
    private void receive(Packet packet, List<Descriptor> descriptors) throws InterruptedException {
        Handlers.Bound<?, ?> bound = called(packet);
        if (bound == null) {
            dropAll(descriptors);
            return;
        }
        if (bound.quick() || bound.procedure().access() == Access.OPENING) {
            // What is done at once; and what changes the connection itself, in the order it came, before anything behind it.
            run(packet, bound, descriptors);
            return;
        }
        waiting.acquire();
        Thread.startVirtualThread(() -> {
            try {
                running.acquire();
                try {
                    run(packet, bound, descriptors);
                } finally {
                    running.release();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException | Error e) {
                bug(e);
            } finally {
                waiting.release();
            }
        });
    }

    /// The procedure that a packet calls; null where it is no call, or none that there is, and has been dealt with.
    private Handlers.@Nullable Bound<?, ?> called(Packet packet) {
        Header header = packet.header();
        MessageType type = header.messageType().orElse(null);
        if (header.program() == Program.KEEPALIVE.number() && type == MessageType.MESSAGE) {
            if (header.procedure() == PING) sendEvent(keepalive(PONG));
            return null;
        }
        if (type == MessageType.STREAM || type == MessageType.STREAM_HOLE) {
            stream(packet, type);
            return null;
        }
        if (type != MessageType.CALL && type != MessageType.CALL_WITH_FDS) {
            answer(header, error(ErrorCode.RPC, "Unexpected message type " + header.type()));
            return null;
        }
        if (!handlers.hasProgram(header.program(), header.version())) {
            String program = Integer.toUnsignedString(header.program());
            answer(header, error(ErrorCode.RPC, "Cannot find program %s version %d".formatted(program, header.version())));
            return null;
        }
        if (header.status() != Status.OK) {
            answer(header, error(ErrorCode.RPC, "Unexpected message status " + header.status()));
            return null;
        }
        Handlers.Bound<?, ?> bound = handlers.find(header.program(), header.procedure());
        if (bound == null) {
            answer(header, error(ErrorCode.RPC, "unknown procedure: " + header.procedure()));
        }
        return bound;
    }

    private <A extends Record, R extends Record> void run(
            Packet packet, Handlers.Bound<A, R> bound, List<Descriptor> descriptors) {
        try {
            run(packet, bound, new Call(this, descriptors));
        } finally {
            dropAll(descriptors);
        }
    }

    private <A extends Record, R extends Record> void run(Packet packet, Handlers.Bound<A, R> bound, Call call) {
        Header header = packet.header();
        Procedure<A, R> procedure = bound.procedure();
        long begun = System.nanoTime();
        A arguments = null;
        R result;
        try {
            allow(procedure);
            arguments = packet.decode(procedure.argumentsCodec());
            result = bound.handler().call(call, arguments);
        } catch (XdrException e) {
            failed(header, procedure, arguments, begun, error(ErrorCode.RPC, "Unable to decode message payload"));
            return;
        } catch (LibvirtException e) {
            failed(header, procedure, arguments, begun, e);
            return;
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "a bug in Kahvem: " + procedure.api() + " failed", e);
            failed(header, procedure, arguments, begun,
                    error(ErrorCode.INTERNAL_ERROR, "a bug in Kahvem: %s: %s".formatted(procedure.api(), e)));
            return;
        }
        CallObserver.Done done = new CallObserver.Done(this, procedure, arguments, result, null, System.nanoTime() - begun);
        // What changes something is in the audit log before anybody is told of it; who connects need not wait for the file.
        boolean connects = procedure.access() == Access.OPENING;
        if (!connects) observe(done);
        Function<OutgoingStream, IncomingStream> stream = call.stream();
        // The client may send as soon as it has the answer; we may, as soon as it is on its way.
        OutgoingStream out = stream == null ? null : begin(header, stream);
        send(Packet.encode(header.answer(MessageType.REPLY, Status.OK), procedure.resultCodec(), result));
        if (out != null) out.answered();
        if (connects) observe(done);
    }

    private void failed(Header header, Procedure<?, ?> procedure, @Nullable Record arguments, long begun, LibvirtException e) {
        observe(new CallObserver.Done(this, procedure, arguments, null, e, System.nanoTime() - begun));
        answer(header, e);
    }

    private void observe(CallObserver.Done call) {
        for (CallObserver observer : observers) observer.done(call);
    }

    private OutgoingStream begin(Header header, Function<OutgoingStream, IncomingStream> stream) {
        OutgoingStream out = new OutgoingStream(this, header);
        IncomingStream in = stream.apply(out);
        streams.put(header.serial(), new OpenStream(out, in));
        if (closed.get() && out.end()) in.abort();
        return out;
    }

    private void allow(Procedure<?, ?> procedure) {
        if (procedure.access() == Access.OPENING) return;
        if (!authenticated) throw error(ErrorCode.RPC, "authentication required");
        if (!open) throw error(ErrorCode.INTERNAL_ERROR, "hypervisor connection not open");
        if (procedure.access() == Access.WRITE && readOnly) {
            throw LibvirtException.of(ErrorCode.OPERATION_DENIED, ErrorDomain.DOM, "read only access prevents " + procedure.api());
        }
    }

    private void stream(Packet packet, MessageType type) {
        Header header = packet.header();
        OpenStream stream = streams.get(header.serial());
        if (stream == null) return;
        try {
            switch (header.status()) {
                case Status.CONTINUE -> {
                    if (type == MessageType.STREAM_HOLE) stream.in().hole(packet.decode(StreamHole.CODEC).lengthBytes());
                    else if (packet.payload().length > 0) stream.in().data(packet.payload());
                }
                case Status.OK -> {
                    stream.in().finish();
                    stream.out().confirm();
                }
                default -> {
                    stream.in().abort();
                    stream.out().confirm();
                }
            }
        } catch (XdrException e) {
            stream.in().abort();
            stream.out().fail(error(ErrorCode.RPC, "Unable to decode message payload"));
        } catch (LibvirtException e) {
            stream.in().abort();
            stream.out().fail(e);
        }
    }

    private void answer(Header call, LibvirtException e) {
        send(Packet.encode(call.answer(MessageType.REPLY, Status.ERROR), ErrorMessage.CODEC, ErrorMessage.of(e)));
    }

    private static LibvirtException error(ErrorCode code, String detail) {
        return LibvirtException.of(code, ErrorDomain.RPC, detail);
    }

    private static ByteBuffer keepalive(int procedure) {
        Header header = Header.of(Program.KEEPALIVE.number(), procedure, MessageType.MESSAGE, 0, Status.OK);
        return Packet.encode(header, new byte[0], 0, 0);
    }
}
