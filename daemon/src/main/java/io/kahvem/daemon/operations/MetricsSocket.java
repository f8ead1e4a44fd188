package io.kahvem.daemon.operations;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.kahvem.daemon.DaemonException;
import io.kahvem.daemon.LazyLogger;
import io.kahvem.host.HostException;
import io.kahvem.host.LocalServerSocket;
import io.kahvem.host.LocalSocket;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Semaphore;

/// Answers `GET /metrics` on a UNIX socket, for its own user and group: one request a connection (RFC 9112, 9.3), as scrapers make them.
public final class MetricsSocket implements AutoCloseable {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.operations");
    private static final int MOST_BYTES = 16 << 10;
    private static final int MOST_CONNECTIONS = 8;

    private final LocalServerSocket socket;
    private final Metrics metrics;
    private final Semaphore places = new Semaphore(MOST_CONNECTIONS);

    /// Throws [DaemonException] where it cannot listen.
    public MetricsSocket(Path path, Metrics metrics) {
        this.metrics = metrics;
        try {
            socket = LocalServerSocket.listen(path);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
        } catch (HostException | IOException e) {
            throw new DaemonException("--metrics: %s".formatted(e.getMessage()), e);
        }
        Thread.ofPlatform().daemon().name("metrics").start(this::accept);
    }

    private void accept() {
        try {
            while (true) {
                places.acquire();
                LocalSocket connection = socket.accept();
                if (connection == null) return;
                Thread.ofPlatform().daemon().name("metrics client").start(() -> serve(connection));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(LocalSocket connection) {
        try (connection) {
            byte[] answer = answer(request(connection));
            connection.write(answer, 0, answer.length);
        } catch (HostException e) {
            LOG.log(Level.DEBUG, () -> "metrics: " + e.getMessage());
        } finally {
            places.release();
        }
    }

    /// What came, up to the empty line that ends a request without a body.
    private static String request(LocalSocket connection) {
        byte[] bytes = new byte[MOST_BYTES];
        int count = 0;
        String text = "";
        while (count < MOST_BYTES && !text.contains("\r\n\r\n") && !text.contains("\n\n")) {
            int read = connection.read(bytes, count, MOST_BYTES - count);
            if (read < 0) break;
            count += read;
            text = new String(bytes, 0, count, US_ASCII);
        }
        return text;
    }

    private byte[] answer(String request) {
        String[] line = request.lines().findFirst().orElse("").split(" ");
        if (line.length != 3) return response("400 Bad Request", "");
        if (!line[0].equals("GET")) return response("405 Method Not Allowed", "");
        if (!line[1].equals("/metrics")) return response("404 Not Found", "");
        return response("200 OK", metrics.print());
    }

    private static byte[] response(String status, String body) {
        return ("HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                .formatted(status, body.getBytes(UTF_8).length, body)).getBytes(UTF_8);
    }

    @Override
    public void close() {
        socket.close();
    }
}
