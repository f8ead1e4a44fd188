package io.kahvem.qmp;

import io.kahvem.qmp.json.Codec;
import io.kahvem.qmp.json.Introspection;
import io.kahvem.qmp.json.Json;
import io.kahvem.qmp.json.Names;
import io.kahvem.qmp.json.Shape;
import io.kahvem.qmp.schema.Command;
import io.kahvem.qmp.schema.Control.CommandInfo;
import io.kahvem.qmp.schema.Control.EventInfo;
import io.kahvem.qmp.schema.Control.QmpCapabilities;
import io.kahvem.qmp.schema.Control.QueryCommands;
import io.kahvem.qmp.schema.Control.QueryEvents;
import io.kahvem.qmp.schema.Control.QueryQmpSchema;
import io.kahvem.qmp.schema.Control.QueryVersion;
import io.kahvem.qmp.schema.Control.SchemaInfo;
import io.kahvem.qmp.schema.Control.Timestamp;
import io.kahvem.qmp.schema.Control.VersionInfo;
import io.kahvem.qmp.schema.Control.VersionTriple;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.Schema;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// What a machine's control sockets have in common: the commands it carries out, and who is told its events.
///
/// A command exists where a handler does; what has none is not found. Handlers are called on the thread of their session, those of
/// several sockets at once, and may wait. Handlers are added before the first server starts; [#emit] may be called by any thread and
/// never waits.
public final class QmpService {
    /// The QEMU release whose QMP this is.
    private static final VersionTriple QEMU = new VersionTriple(7, 2, 0);

    private record Handler(Shape.Structure arguments, BiFunction<Object, QmpCall, Object> action) {}

    private final Codec codec = Codec.strict();
    private final VersionInfo version;
    private final Map<String, Handler> handlers = new LinkedHashMap<>();
    private final List<Class<? extends Command<?>>> commands = new ArrayList<>();
    /// Kinds of events of which one was told less than a second ago, with what is to be told then.
    private final Map<Class<?>, Optional<Event>> slowed = new HashMap<>();
    private final List<QmpSession> sessions = new CopyOnWriteArrayList<>();

    /// @param packageName tells clients what this is, as in query-version
    public QmpService(String packageName) {
        version = new VersionInfo(QEMU, packageName);
        on(QmpCapabilities.class, command -> {
            throw new QmpException(ErrorClass.CommandNotFound, "Capabilities negotiation is already complete, command ignored");
        });
        on(QueryVersion.class, command -> version);
        on(QueryCommands.class, command -> handlers.keySet().stream().map(CommandInfo::new).toList());
        on(QueryEvents.class, command -> Schema.events().stream().map(event -> new EventInfo(Names.of(event))).toList());
        on(QueryQmpSchema.class, command -> schema());
    }

    /// Carries out `command` by `action`, which throws [QmpException] to refuse.
    public <R, C extends Command<R>> void on(Class<C> command, Function<C, R> action) {
        on(command, (arguments, call) -> action.apply(arguments));
    }

    /// The same, with what only this call has.
    public <R, C extends Command<R>> void on(Class<C> command, BiFunction<C, QmpCall, R> action) {
        String name = Names.of(command);
        Handler handler = new Handler(Shape.ofRecord(command), (arguments, call) -> action.apply(command.cast(arguments), call));
        if (handlers.put(name, handler) != null) throw new IllegalArgumentException("a second handler for " + name);
        commands.add(command);
    }

    /// Tells every client that listens.
    public void emit(Event event) {
        Instant now = Instant.now();
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("timestamp", codec.write(new Timestamp(now.getEpochSecond(), now.getNano() / 1000L)));
        message.put("event", Names.of(event.getClass()));
        if (codec.write(event) instanceof Map<?, ?> data && !data.isEmpty()) message.put("data", data);
        byte[] line = Json.line(message);
        for (QmpSession session : sessions) session.event(line);
    }

    /// Tells the newest of such events, at most one in a second, as QEMU does with those that come in numbers.
    public void emitSlowly(Event event) {
        synchronized (slowed) {
            if (slowed.computeIfPresent(event.getClass(), (kind, older) -> Optional.of(event)) != null) return;
            slowed.put(event.getClass(), Optional.empty());
        }
        emit(event);
        CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS).execute(() -> secondOver(event.getClass()));
    }

    private void secondOver(Class<?> kind) {
        Optional<Event> waiting;
        synchronized (slowed) {
            waiting = Objects.requireNonNull(slowed.remove(kind));
        }
        waiting.ifPresent(this::emitSlowly);
    }

    Codec codec() {
        return codec;
    }

    List<SchemaInfo> schema() {
        return Introspection.of(commands, Schema.events());
    }

    VersionInfo version() {
        return version;
    }

    boolean has(String name) {
        return handlers.containsKey(name);
    }

    /// The tree of what the command returns. Throws [QmpException] for one that is not there, whose arguments do not fit, or that refuses.
    Object execute(String name, Map<?, ?> arguments, QmpCall call) {
        @Nullable Handler handler = handlers.get(name);
        if (handler == null) {
            throw new QmpException(ErrorClass.CommandNotFound, "The command %s has not been found".formatted(name));
        }
        Object command = codec.read(handler.arguments, arguments);
        return codec.write(handler.action.apply(command, call));
    }

    void opened(QmpSession session) {
        sessions.add(session);
    }

    void closed(QmpSession session) {
        sessions.remove(session);
    }
}
