package io.kahvem.qmp;

import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.host.LocalSocket;
import io.kahvem.qmp.json.Json;
import io.kahvem.qmp.json.JsonFramer;
import io.kahvem.qmp.json.Names;
import io.kahvem.qmp.json.Shape;
import io.kahvem.qmp.schema.Control.Greeting;
import io.kahvem.qmp.schema.Control.QmpCapabilities;
import io.kahvem.qmp.schema.Control.QmpCapability;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One client: QEMU's docs/interop/qmp-spec. Reads, carries out and answers on one thread, one command after the other; events come from
/// any.
///
/// Out-of-band execution is offered, as QEMU does, and refused for every command there is, as QEMU does for commands without it.
final class QmpSession implements QmpCall, JsonFramer.Sink {
    private static final int READ_BYTES = 16 << 10;
    private static final String CAPABILITIES = Names.of(QmpCapabilities.class);

    private final QmpService service;
    private final LocalSocket socket;
    private final Outbox out;
    private final JsonFramer framer = new JsonFramer(this);
    private final Deque<Descriptor> descriptors = new ArrayDeque<>();
    private volatile boolean negotiated;
    private boolean outOfBand;
    private Runnable afterReply = () -> {};

    QmpSession(QmpService service, LocalSocket socket) {
        this.service = service;
        this.socket = socket;
        this.out = new Outbox(socket);
    }

    /// Until the client leaves or [#close] is called.
    void run() {
        service.opened(this);
        try {
            Greeting greeting = new Greeting(service.version(), List.of(QmpCapability.values()));
            out.put(Json.line(Map.of("QMP", service.codec().write(greeting))));
            byte[] bytes = new byte[READ_BYTES];
            for (int count; (count = socket.read(bytes, 0, bytes.length)) >= 0; ) {
                descriptors.addAll(socket.takeDescriptors());
                framer.feed(bytes, 0, count);
            }
        } finally {
            service.closed(this);
            descriptors.forEach(Descriptor::close);
            out.close();
        }
    }

    /// Lets the client read what it is owed, but not for ever.
    void close(long patienceMillis) {
        out.drain(patienceMillis);
        out.close();
    }

    void event(byte[] line) {
        if (negotiated) out.put(line);
    }

    @Override
    public Optional<Descriptor> takeDescriptor() {
        return Optional.ofNullable(descriptors.poll());
    }

    @Override
    public void afterReply(Runnable action) {
        afterReply = action;
    }

    @Override
    public void error(QmpException error) {
        answer(error(error.errorClass(), error.description()), null);
    }

    @Override
    public void value(byte[] text) {
        @Nullable Object id = null;
        Map<String, Object> reply;
        try {
            Object request = Json.parse(text);
            id = request instanceof Map<?, ?> object ? object.get("id") : null;
            reply = new LinkedHashMap<>();
            reply.put("return", execute(request));
        } catch (QmpException e) {
            reply = error(e.errorClass(), e.description());
        } catch (HostException e) {
            reply = error(ErrorClass.GenericError, String.valueOf(e.getMessage()));
        } catch (RuntimeException | AssertionError bug) {
            reply = error(ErrorClass.GenericError, "this is a bug in Kahvem: " + bug);
        }
        Runnable action = afterReply;
        afterReply = () -> {};
        answer(reply, id);
        if (reply.containsKey("return")) action.run();
    }

    private static Map<String, Object> error(ErrorClass errorClass, String description) {
        Map<String, Object> detail = new LinkedHashMap<>();
        detail.put("class", errorClass.name());
        detail.put("desc", description);
        Map<String, Object> reply = new LinkedHashMap<>();
        reply.put("error", detail);
        return reply;
    }

    private void answer(Map<String, Object> reply, @Nullable Object id) {
        if (id != null) reply.put("id", id);
        out.put(Json.line(reply));
        out.awaitRoom();
    }

    private Object execute(Object request) {
        if (!(request instanceof Map<?, ?> object)) throw new QmpException("QMP input must be a JSON object");
        @Nullable Object execute = null;
        boolean oob = false;
        Map<?, ?> arguments = Map.of();
        for (Map.Entry<?, ?> member : object.entrySet()) {
            String name = String.valueOf(member.getKey());
            switch (name) {
                case "execute", "exec-oob" -> {
                    if (!(member.getValue() instanceof String)) {
                        throw new QmpException("QMP input member '%s' must be a string".formatted(name));
                    }
                    if (execute != null) throw new QmpException("QMP input member 'execute' clashes with 'exec-oob'");
                    execute = member.getValue();
                    oob = name.equals("exec-oob");
                }
                case "arguments" -> {
                    if (!(member.getValue() instanceof Map<?, ?> given)) {
                        throw new QmpException("QMP input member 'arguments' must be an object");
                    }
                    arguments = given;
                }
                case "id" -> {}
                default -> throw new QmpException("QMP input member '%s' is unexpected".formatted(name.length() < 64 ? name : "..."));
            }
        }
        if (!(execute instanceof String command)) throw new QmpException("QMP input lacks member 'execute'");
        if (oob && !outOfBand) throw new QmpException("QMP input member 'exec-oob' is unexpected");
        if (!negotiated) {
            if (command.equals(CAPABILITIES)) return negotiate(arguments);
            String expected = "Expecting capabilities negotiation with '%s'".formatted(CAPABILITIES);
            throw new QmpException(ErrorClass.CommandNotFound, expected);
        }
        if (oob && service.has(command)) throw new QmpException("The command %s does not support OOB".formatted(command));
        return service.execute(command, arguments, this);
    }

    private Object negotiate(Map<?, ?> arguments) {
        QmpCapabilities wanted = (QmpCapabilities) service.codec().read(Shape.ofRecord(QmpCapabilities.class), arguments);
        outOfBand = wanted.enable().orElse(List.of()).contains(QmpCapability.OOB);
        negotiated = true;
        return Map.of();
    }
}
