package io.kahvem.qmp;

import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.host.LocalSocket;
import io.kahvem.qmp.json.Codec;
import io.kahvem.qmp.json.Json;
import io.kahvem.qmp.json.JsonFramer;
import io.kahvem.qmp.json.Names;
import io.kahvem.qmp.json.Shape;
import io.kahvem.qmp.schema.Command;
import io.kahvem.qmp.schema.Control.VersionInfo;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.Schema;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A client of a machine's control socket, ours or QEMU's.
///
/// ```java
/// try (QmpClient machine = QmpClient.connect(socket, Duration.ofSeconds(10), event -> {})) {
///     machine.execute(new Stop());
///     StatusInfo status = machine.execute(new QueryStatus());
/// }
/// ```
///
/// Any thread; replies and events are read by a thread of its own (`qmp-client`), on which the listener is called: it must not wait for
/// replies.
public final class QmpClient implements AutoCloseable {
    private static final int READ_BYTES = 16 << 10;
    private static final String NEGOTIATION = "qmp_capabilities";

    /// Gets events, in their order.
    @FunctionalInterface
    public interface Listener {
        void event(Received event);

        /// The other side has closed the connection, or this one has.
        default void ended() {}
    }

    /// An event.
    ///
    /// @param name as on the wire
    /// @param known its record; empty for one this schema does not have
    public record Received(Instant time, String name, Optional<Event> known) {}

    /// The events of the schema by their names, looked at where the first event comes.
    private static final class Events {
        static final Map<String, Shape.Structure> BY_NAME =
                Schema.events().stream().collect(Collectors.toUnmodifiableMap(Names::of, Shape::ofRecord));

        private Events() {}
    }

    private record Pending(Shape returns, CompletableFuture<Object> reply) {}

    private final Codec codec = Codec.lenient();
    private final LocalSocket socket;
    private final Duration patience;
    private final Listener listener;
    private final Map<Long, Pending> pending = new LinkedHashMap<>();
    private final Map<Long, CompletableFuture<Map<?, ?>>> raw = new LinkedHashMap<>();
    private final CompletableFuture<Object> greeting = new CompletableFuture<>();
    private final Object writing = new Object();
    private long lastId;
    private boolean ended;

    private QmpClient(LocalSocket socket, Duration patience, Listener listener) {
        this.socket = socket;
        this.patience = patience;
        this.listener = listener;
        Thread.ofPlatform().daemon().name("qmp-client").start(this::read);
    }

    /// Connects and negotiates. Throws [HostException] where nobody listens, or who listens does not answer within `patience`, which holds
    /// for every command then.
    public static QmpClient connect(Path socket, Duration patience, Listener listener) {
        QmpClient client = new QmpClient(LocalSocket.connect(socket), patience, listener);
        try {
            client.negotiate();
            return client;
        } catch (RuntimeException e) {
            client.close();
            throw e;
        }
    }

    /// Without the schema's records, of which a daemon that connects to its machines needs no others so soon.
    private void negotiate() {
        await(greeting, "its greeting");
        if (ask(Map.of("execute", NEGOTIATION), List.of()).get("error") instanceof Map<?, ?> error) throw refusal(error);
    }

    /// What the other side says it is.
    public VersionInfo version() {
        return (VersionInfo) codec.read(Shape.ofRecord(VersionInfo.class), await(greeting, "its greeting"));
    }

    /// Has `command` carried out and waits for what it returns. Throws [QmpException] where it is refused, QmpConnectionException where
    /// no answer came.
    public <R> R execute(Command<R> command) {
        return execute(command, List.of());
    }

    /// The same, passing descriptors with it; they stay the caller's.
    public <R> R execute(Command<R> command, List<Descriptor> descriptors) {
        return await(submit(command, descriptors), Names.of(command.getClass()));
    }

    /// Has a command carried out that is given as JSON, and gives the whole reply, return or error, as JSON with the command's own id.
    /// Throws [QmpException] for what is no command.
    public String executeJson(String command, List<Descriptor> descriptors) {
        Object tree = Json.parse(command.getBytes(StandardCharsets.UTF_8));
        if (!(tree instanceof Map<?, ?> given)) throw new QmpException("a command is an object");
        Map<String, Object> answer = new LinkedHashMap<>();
        ask(given, descriptors).forEach((key, value) -> {
            if (!"id".equals(key)) answer.put(String.valueOf(key), value);
        });
        Object own = given.get("id");
        if (own != null) answer.put("id", own);
        return new String(Json.bytes(answer), StandardCharsets.UTF_8);
    }

    /// Sends a command and waits for the whole reply; both are trees, and the number is ours.
    private Map<?, ?> ask(Map<?, ?> command, List<Descriptor> descriptors) {
        CompletableFuture<Map<?, ?>> reply = new CompletableFuture<>();
        long id;
        synchronized (this) {
            id = ++lastId;
            if (ended) throw gone();
            raw.put(id, reply);
        }
        Map<String, Object> request = new LinkedHashMap<>();
        command.forEach((key, value) -> request.put(String.valueOf(key), value));
        request.put("id", id);
        byte[] line = Json.line(request);
        try {
            synchronized (writing) {
                socket.write(line, 0, line.length, descriptors);
            }
        } catch (HostException e) {
            throw gone();
        }
        return await(reply, "a command");
    }

    /// Has `command` carried out; completes with what it returns, on the thread that reads.
    public <R> CompletableFuture<R> submit(Command<R> command) {
        return submit(command, List.of());
    }

    @SuppressWarnings("unchecked") // the codec makes what the command's type says
    private <R> CompletableFuture<R> submit(Command<R> command, List<Descriptor> descriptors) {
        Pending waiting = new Pending(Shape.returned(command.getClass()), new CompletableFuture<>());
        long id;
        synchronized (this) {
            id = ++lastId;
            if (ended) return CompletableFuture.failedFuture(gone());
            pending.put(id, waiting);
        }
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("execute", Names.of(command.getClass()));
        if (codec.write(command) instanceof Map<?, ?> arguments && !arguments.isEmpty()) request.put("arguments", arguments);
        request.put("id", id);
        byte[] line = Json.line(request);
        try {
            synchronized (writing) {
                socket.write(line, 0, line.length, descriptors);
            }
        } catch (HostException e) {
            waiting.reply.completeExceptionally(gone());
        }
        return (CompletableFuture<R>) waiting.reply;
    }

    private <T> T await(CompletableFuture<T> reply, String what) {
        try {
            return reply.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof QmpException refused) throw refused;
            if (e.getCause() instanceof QmpConnectionException lost) throw lost;
            throw new CompletionException(e.getCause());
        } catch (TimeoutException e) {
            throw new QmpConnectionException("no answer within %d ms to %s".formatted(patience.toMillis(), what));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new QmpConnectionException("interrupted while waiting for " + what);
        }
    }

    private static QmpConnectionException gone() {
        return new QmpConnectionException("the machine has closed its control socket");
    }

    private void read() {
        JsonFramer framer = new JsonFramer(new JsonFramer.Sink() {
            @Override
            public void value(byte[] text) {
                received(text);
            }

            @Override
            public void error(QmpException error) {
                throw error;
            }
        });
        try {
            byte[] bytes = new byte[READ_BYTES];
            for (int count; (count = socket.read(bytes, 0, bytes.length)) >= 0; ) framer.feed(bytes, 0, count);
        } catch (QmpException nonsense) {
            socket.close();
        } finally {
            end();
        }
    }

    private void end() {
        List<Pending> lost;
        List<CompletableFuture<Map<?, ?>>> lostRaw;
        synchronized (this) {
            ended = true;
            lost = List.copyOf(pending.values());
            pending.clear();
            lostRaw = List.copyOf(raw.values());
            raw.clear();
        }
        greeting.completeExceptionally(gone());
        for (Pending waiting : lost) waiting.reply.completeExceptionally(gone());
        for (CompletableFuture<Map<?, ?>> waiting : lostRaw) waiting.completeExceptionally(gone());
        listener.ended();
    }

    private void received(byte[] text) {
        if (!(Json.parse(text) instanceof Map<?, ?> message)) throw new QmpException("a message that is no object");
        if (message.get("event") instanceof String name) {
            event(name, message);
        } else if (message.get("QMP") instanceof Map<?, ?> greeted) {
            Object version = greeted.get("version");
            if (version == null) throw new QmpException("a greeting without version");
            greeting.complete(version);
        } else if (message.get("id") instanceof Long id) {
            @Nullable Pending waiting;
            @Nullable CompletableFuture<Map<?, ?>> wanted;
            synchronized (this) {
                waiting = pending.remove(id);
                wanted = raw.remove(id);
            }
            if (waiting != null) complete(waiting, message);
            if (wanted != null) wanted.complete(message);
        }
    }

    private void complete(Pending waiting, Map<?, ?> message) {
        if (message.get("error") instanceof Map<?, ?> error) {
            waiting.reply.completeExceptionally(refusal(error));
            return;
        }
        try {
            Object returned = message.get("return");
            if (returned == null) throw new QmpException("a reply without return or error");
            waiting.reply.complete(codec.read(waiting.returns, returned));
        } catch (QmpException e) {
            waiting.reply.completeExceptionally(e);
        }
    }

    private static QmpException refusal(Map<?, ?> error) {
        return new QmpException(errorClass(error.get("class")), String.valueOf(error.get("desc")));
    }

    private static ErrorClass errorClass(@Nullable Object name) {
        for (ErrorClass known : ErrorClass.values()) {
            if (known.name().equals(name)) return known;
        }
        return ErrorClass.GenericError;
    }

    private void event(String name, Map<?, ?> message) {
        Shape.@Nullable Structure shape = Events.BY_NAME.get(name);
        Object data = message.get("data");
        @Nullable Event known = null;
        if (shape != null) known = (Event) codec.read(shape, data == null ? Map.of() : data);
        listener.event(new Received(time(message.get("timestamp")), name, Optional.ofNullable(known)));
    }

    private static Instant time(@Nullable Object timestamp) {
        if (timestamp instanceof Map<?, ?> time && time.get("seconds") instanceof Long seconds && seconds >= 0
                && time.get("microseconds") instanceof Long micros) {
            return Instant.ofEpochSecond(seconds, micros * 1_000);
        }
        return Instant.EPOCH;
    }

    @Override
    public void close() {
        socket.close();
    }
}
