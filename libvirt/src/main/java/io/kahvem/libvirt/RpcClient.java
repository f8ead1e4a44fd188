package io.kahvem.libvirt;

import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Event;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Program;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.PacketReader;
import io.kahvem.libvirt.rpc.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Calls on a connection, any number at once; answers are told apart by their numbers. A thread of its own reads; events are given to their
/// listeners on another, in order, from the first listener on.
final class RpcClient implements AutoCloseable {
    private static final int PING = 1;
    private static final int PONG = 2;

    /// Nothing follows: of no type there is.
    private static final Packet OVER = new Packet(new Header(0, 0, 0, -1, 0, 0), new byte[0]);

    private final ByteChannel channel;
    private final ReentrantLock writing = new ReentrantLock();
    private final AtomicInteger nextSerial = new AtomicInteger();
    private final Map<Integer, CompletableFuture<Packet>> calls = new ConcurrentHashMap<>();
    private final Map<Integer, LinkedBlockingQueue<Packet>> streams = new ConcurrentHashMap<>();
    private final Map<String, Consumer<Packet>> listeners = new ConcurrentHashMap<>();
    private final LinkedBlockingQueue<Packet> events = new LinkedBlockingQueue<>();
    private final ReentrantLock registering = new ReentrantLock();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final AtomicBoolean dispatching = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile String why = "the connection is closed";

    RpcClient(ByteChannel channel) {
        this.channel = channel;
        // Platform threads: the JVM's pollers of virtual ones sit in the kernel, for which its exit waits 300 ms.
        Thread.ofPlatform().daemon().name("libvirt reader").start(this::read);
    }

    boolean isOpen() {
        return !closed.get();
    }

    /// What a call answers. Throws what the daemon answers as an error, and [ConnectionLostException].
    <A extends Record, R extends Record> R call(Procedure<A, R> procedure, A arguments) {
        return answer(send(procedure, arguments, false), procedure);
    }

    /// A call that opens a stream, which is given back once the daemon has agreed.
    <A extends Record, R extends Record> RpcStream stream(Procedure<A, R> procedure, A arguments) {
        Sent sent = send(procedure, arguments, true);
        try {
            R ignored = answer(sent, procedure);
        } catch (RuntimeException e) {
            streams.remove(sent.serial());
            throw e;
        }
        return new RpcStream(this, procedure, sent.serial());
    }

    private record Sent(int serial, CompletableFuture<Packet> answer) {}

    private <A extends Record> Sent send(Procedure<A, ?> procedure, A arguments, boolean stream) {
        int serial = nextSerial.getAndIncrement();
        CompletableFuture<Packet> answer = new CompletableFuture<>();
        calls.put(serial, answer);
        if (stream) streams.put(serial, new LinkedBlockingQueue<>());
        write(Packet.encode(Header.call(procedure, serial), procedure.argumentsCodec(), arguments));
        return new Sent(serial, answer);
    }

    private <R extends Record> R answer(Sent sent, Procedure<?, R> procedure) {
        if (closed.get()) sent.answer().completeExceptionally(new ConnectionLostException(why));
        try {
            Packet packet = sent.answer().get();
            if (packet.header().status() == Status.ERROR) throw packet.decode(ErrorMessage.CODEC).toException();
            return packet.decode(procedure.resultCodec());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ConnectionLostException lost) throw new ConnectionLostException(String.valueOf(lost.getMessage()),
                    lost);
            throw new ConnectionLostException("no answer: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConnectionLostException("interrupted while waiting for " + procedure.api(), e);
        } finally {
            calls.remove(sent.serial());
        }
    }

    /// Makes a call whose answer is a callback's number, and gives the event's messages with that number to `listener`; none is missed. The
    /// number is the first word of every such message.
    <A extends Record> int listen(Event<?> event, Procedure<A, IntValue> register, A arguments, Consumer<Packet> listener) {
        registering.lock();
        try {
            if (dispatching.compareAndSet(false, true)) {
                Thread.ofPlatform().daemon().name("libvirt events").start(this::dispatch);
            }
            int callback = call(register, arguments).value();
            listeners.put(key(event.program().number(), event.number(), callback), listener);
            return callback;
        } finally {
            registering.unlock();
        }
    }

    void unlisten(Event<?> event, int callback) {
        listeners.remove(key(event.program().number(), event.number(), callback));
    }

    private static String key(int program, int event, int callback) {
        return program + "/" + event + "/" + callback;
    }

    void write(ByteBuffer packet) {
        writing.lock();
        try {
            while (packet.hasRemaining()) channel.write(packet);
        } catch (IOException e) {
            end("the daemon does not take what is sent: " + e.getMessage());
            throw new ConnectionLostException(why, e);
        } finally {
            writing.unlock();
        }
    }

    /// The next packet of a stream; waits for it.
    Packet nextOf(int serial) throws InterruptedException {
        LinkedBlockingQueue<Packet> queue = streams.get(serial);
        if (queue == null || closed.get() && queue.isEmpty()) throw new ConnectionLostException(why);
        Packet packet = queue.take();
        if (packet.header().type() < 0) throw new ConnectionLostException(why);
        return packet;
    }

    /// No more of a stream is read; who waits for it is told so.
    void forget(int serial) {
        LinkedBlockingQueue<Packet> queue = streams.remove(serial);
        if (queue != null) queue.add(OVER);
    }

    private void read() {
        try {
            PacketReader reader = new PacketReader(channel);
            for (Packet packet; (packet = reader.read()) != null; ) receive(packet);
            end("the daemon has closed the connection");
        } catch (IOException e) {
            end("the connection broke: " + e.getMessage());
        }
    }

    private void receive(Packet packet) {
        Header header = packet.header();
        unanswered.set(0);
        MessageType type = header.messageType().orElse(MessageType.MESSAGE);
        switch (type) {
            case REPLY, REPLY_WITH_FDS -> {
                CompletableFuture<Packet> waiting = calls.get(header.serial());
                if (waiting != null) waiting.complete(packet);
            }
            case STREAM, STREAM_HOLE -> {
                LinkedBlockingQueue<Packet> stream = streams.get(header.serial());
                if (stream != null) stream.add(packet);
            }
            case MESSAGE, CALL, CALL_WITH_FDS -> {
                if (header.program() == Program.KEEPALIVE.number() && header.procedure() == PING) {
                    write(keepAliveMessage(PONG));
                } else if (header.program() != Program.KEEPALIVE.number()) {
                    events.add(packet);
                }
            }
        }
    }

    private void dispatch() {
        try {
            while (!closed.get()) {
                Packet packet = events.take();
                if (packet.payload().length < 4) continue;
                int callback = ByteBuffer.wrap(packet.payload()).getInt();
                Consumer<Packet> listener = listener(key(packet.header().program(), packet.header().procedure(), callback));
                if (listener != null) listener.accept(packet);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Waits for a registration under way: the event may be its first.
    private @Nullable Consumer<Packet> listener(String key) {
        registering.lock();
        try {
            return listeners.get(key);
        } finally {
            registering.unlock();
        }
    }

    /// Sends a sign of life each `interval`, and ends the connection where the daemon leaves `count` of them without one of its own. The
    /// daemon must have said that it knows them.
    void keepAlive(Duration interval, int count) {
        Thread.ofPlatform().daemon().name("libvirt keepalive").start(() -> {
            try {
                while (!closed.get()) {
                    Thread.sleep(interval);
                    if (unanswered.getAndIncrement() >= count) {
                        end("connection closed due to keepalive timeout");
                    } else if (!closed.get()) {
                        write(keepAliveMessage(PING));
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (ConnectionLostException lost) {
                // write has ended the connection, and its users are told.
            }
        });
    }

    private static ByteBuffer keepAliveMessage(int procedure) {
        return Packet.encode(Header.of(Program.KEEPALIVE.number(), procedure, MessageType.MESSAGE, 0, Status.OK), new byte[0], 0, 0);
    }

    private void end(String reason) {
        if (!closed.compareAndSet(false, true)) return;
        why = reason;
        for (CompletableFuture<Packet> call : List.copyOf(calls.values())) call.completeExceptionally(new ConnectionLostException(reason));
        for (LinkedBlockingQueue<Packet> stream : streams.values()) stream.add(OVER);
        events.add(OVER);
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger("io.kahvem.libvirt").log(System.Logger.Level.DEBUG, "closing a connection", e);
        }
    }

    @Override
    public void close() {
        end("the connection is closed");
    }
}
