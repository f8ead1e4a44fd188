package io.kahvem.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kahvem.host.LocalSocket;
import io.kahvem.qmp.json.Json;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.Map;

/// A client that sends bytes and reads lines.
final class RawClient implements AutoCloseable {
    private final LocalSocket socket;
    private final byte[] buffer = new byte[4096];
    private int at;
    private int end;

    RawClient(Path path) {
        socket = LocalSocket.connect(path);
    }

    void send(String text) {
        send(text.getBytes(UTF_8));
    }

    void send(byte[] bytes) {
        if (bytes.length > 0) socket.write(bytes, 0, bytes.length);
    }

    /// The next line without its end; empty once the other side has closed.
    String line() {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            if (at == end) {
                end = socket.read(buffer, 0, buffer.length);
                at = 0;
                if (end < 0) return "";
            }
            int c = buffer[at++];
            if (c == '\n') return line.toString(UTF_8).strip();
            line.write(c);
        }
    }

    Map<?, ?> message() {
        return (Map<?, ?>) Json.parse(line().getBytes(UTF_8));
    }

    /// Sends a request and gives the next line.
    String ask(String request) {
        send(request);
        return line();
    }

    @Override
    public void close() {
        socket.close();
    }
}
