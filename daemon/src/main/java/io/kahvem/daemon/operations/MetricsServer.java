package io.kahvem.daemon.operations;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kahvem.daemon.DaemonException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/// Answers `GET /metrics` on the host's loopback, where a Prometheus or its agent asks.
public final class MetricsServer implements AutoCloseable {
    private final HttpServer server;

    /// Throws [DaemonException] for an address that is not the loopback's, and where it cannot listen.
    public MetricsServer(InetSocketAddress address, Metrics metrics) {
        if (address.isUnresolved() || !address.getAddress().isLoopbackAddress()) {
            throw new DaemonException("%s is not this host's loopback, and metrics are for everybody who can ask\n  Give 127.0.0.1:PORT"
                    .formatted(address));
        }
        try {
            server = HttpServer.create(address, 0);
        } catch (IOException e) {
            throw new DaemonException("cannot listen on %s: %s".formatted(address, e.getMessage()), e);
        }
        server.createContext("/metrics", exchange -> answer(exchange, metrics));
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
    }

    private static void answer(HttpExchange exchange, Metrics metrics) throws IOException {
        try (exchange) {
            if (!exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(405, -1);
                return;
            }
            byte[] body = metrics.print().getBytes(UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
