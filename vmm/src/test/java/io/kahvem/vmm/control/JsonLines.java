package io.kahvem.vmm.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kahvem.host.LocalSocket;
import io.kahvem.qmp.json.Json;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A control socket as a script has it: requests as text, replies as trees. Events are kept aside.
final class JsonLines implements AutoCloseable {
    private final LocalSocket socket;
    private final List<Map<?, ?>> events = new ArrayList<>();

    JsonLines(Path path) {
        socket = LocalSocket.connect(path);
    }

    Map<?, ?> next() {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        byte[] one = new byte[1];
        while (socket.read(one, 0, 1) > 0) {
            if (one[0] == '\n') return (Map<?, ?>) Json.parse(line.toByteArray());
            line.write(one[0]);
        }
        throw new AssertionError("closed after: " + line);
    }

    Map<?, ?> ask(String request) {
        byte[] bytes = (request + "\n").getBytes(UTF_8);
        socket.write(bytes, 0, bytes.length);
        while (true) {
            Map<?, ?> message = next();
            if (!message.containsKey("event")) return message;
            events.add(message);
        }
    }

    /// Reads on until an event of this name has come that was not waited for before.
    void await(String name) {
        while (events.stream().noneMatch(event -> name.equals(event.get("event")))) events.add(next());
    }

    /// Those that have come, which are forgotten then.
    List<Map<?, ?>> takeEvents() {
        List<Map<?, ?>> taken = List.copyOf(events);
        events.clear();
        return taken;
    }

    @Override
    public void close() {
        socket.close();
    }
}
