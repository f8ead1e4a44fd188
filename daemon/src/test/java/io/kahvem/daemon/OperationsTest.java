package io.kahvem.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.daemon.rpc.Limits;
import io.kahvem.host.LocalSocket;
import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.Domain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.qmp.json.Json;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What those who run the daemon see of it.
@SuppressWarnings("NullAway.Init") // before each test
@Timeout(180)
final class OperationsTest {
    private static final String DOMAIN = "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os></domain>";

    private DaemonConfig config;
    private Daemon daemon;

    @BeforeEach
    void start(@TempDir Path directory) {
        config = new DaemonConfig(directory.resolve("sock"), directory.resolve("sock-ro"), directory.resolve("state"),
                directory.resolve("run"), Optional.empty(), "qemu:///system", Path.of("/usr/bin/kahvem"),
                MachineStarter.of(List.of()), Limits.DEFAULT);
        daemon = Daemon.start(config, () -> false);
    }

    @AfterEach
    void stop() {
        daemon.close();
    }

    private Connection connect(Path socket) {
        return Connection.open("qemu:///system?socket=" + socket);
    }

    @SuppressWarnings("unchecked") // a JSON object
    private static Map<String, Object> parse(String line) {
        return (Map<String, Object>) Json.parse(line.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void theAuditLogHasWhatChangedSomethingAndWhoDidItAndWhatWasRefused() throws IOException {
        try (Connection connection = connect(config.socket())) {
            Domain domain = connection.define(DOMAIN);
            assertThat(connection.domains()).hasSize(1);
            domain.undefine();
        }
        try (Connection reading = connect(config.readOnlySocket())) {
            assertThatThrownBy(() -> reading.define(DOMAIN)).isInstanceOf(LibvirtException.class);
        }
        Path file = config.state().resolve("audit.log");
        List<Map<String, Object>> lines = Files.readAllLines(file).stream().map(OperationsTest::parse).toList();
        assertThat(lines).extracting(line -> line.get("call")).containsExactly(
                "virConnectOpen", "virDomainDefineXML", "virDomainUndefineFlags", "virConnectOpen", "virDomainDefineXML");
        assertThat(lines).allSatisfy(line -> assertThat(line).containsEntry("user", System.getProperty("user.name")));
        assertThat(lines.get(1)).containsEntry("done", true);
        assertThat(String.valueOf(lines.get(1).get("object"))).startsWith("a ");
        assertThat(lines.get(2).get("object")).isEqualTo(lines.get(1).get("object"));
        assertThat(lines.get(4)).containsEntry("done", false)
                .containsEntry("error", "operation forbidden: read only access prevents virDomainDefineXML");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
    }

    @Test
    void anAuditLogThatIsRenamedIsBegunAnew() throws IOException {
        Path file = config.state().resolve("audit.log");
        connect(config.socket()).close();
        Files.move(file, file.resolveSibling("audit.log.1"));
        connect(config.socket()).close();
        assertThat(Files.readAllLines(file)).hasSize(1);
    }

    @Test
    void prometheusIsAnsweredOnTheLoopback() throws IOException {
        int port = daemon.serveMetrics(new InetSocketAddress("127.0.0.1", 0));
        try (Connection connection = connect(config.socket())) {
            connection.define(DOMAIN);
            assertThatThrownBy(() -> connection.domain("nobody")).isInstanceOf(LibvirtException.class);
            URLConnection http = URI.create("http://127.0.0.1:%d/metrics".formatted(port)).toURL().openConnection();
            String body = new String(http.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(http.getContentType()).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
            assertThat(body.lines()).contains("kahvem_calls_total{call=\"virDomainDefineXML\"} 1",
                    "kahvem_calls_failed_total{call=\"virDomainLookupByName\"} 1", "kahvem_clients 1",
                    "kahvem_domains{state=\"shutoff\"} 1", "# TYPE kahvem_calls_total counter");
            assertThat(body.lines().filter(line -> !line.startsWith("#")))
                    .allMatch(line -> line.matches("[a-z_]+(\\{[a-z]+=\"\\w+\"})? [0-9.E+-]+"));
        }
    }

    @Test
    void prometheusIsAnsweredOnASocketOfTheHost() {
        Path path = config.state().resolve("metrics");
        daemon.serveMetrics(path);
        assertThat(ask(path, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")).startsWith("HTTP/1.1 200 OK\r\n").contains("kahvem_clients 0\n");
        assertThat(ask(path, "GET / HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 404 ");
        assertThat(ask(path, "POST /metrics HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 405 ");
        assertThat(ask(path, "nonsense\n\n")).startsWith("HTTP/1.1 400 ");
    }

    private static String ask(Path path, String request) {
        try (LocalSocket socket = LocalSocket.connect(path)) {
            byte[] bytes = request.getBytes(StandardCharsets.US_ASCII);
            socket.write(bytes, 0, bytes.length);
            StringBuilder answer = new StringBuilder();
            byte[] piece = new byte[4096];
            for (int count; (count = socket.read(piece, 0, piece.length)) > 0; ) {
                answer.append(new String(piece, 0, count, StandardCharsets.UTF_8));
            }
            return answer.toString();
        }
    }

    @Test
    void metricsAreForTheLoopbackAlone() {
        assertThatThrownBy(() -> daemon.serveMetrics(new InetSocketAddress("0.0.0.0", 0)))
                .isInstanceOf(DaemonException.class).hasMessageContaining("is not this host's loopback");
    }
}
