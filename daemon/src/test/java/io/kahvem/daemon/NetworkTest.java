package io.kahvem.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.daemon.rpc.Certificates;
import io.kahvem.daemon.rpc.Limits;
import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.ConnectionLostException;
import io.kahvem.libvirt.Credentials;
import io.kahvem.libvirt.DeniedException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The daemon by TCP and TLS.
@Timeout(60)
@SuppressWarnings("NullAway.Init") // before each test
final class NetworkTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

    private Path directory;
    private Daemon daemon;

    @BeforeEach
    void start(@TempDir Path directory) {
        this.directory = directory;
        daemon = Daemon.start(new DaemonConfig(directory.resolve("sock"), directory.resolve("sock-ro"), directory.resolve("state"),
                directory.resolve("run"), Optional.empty(), "qemu:///system", Path.of("/usr/bin/kahvem"),
                MachineStarter.of(List.of()), Limits.DEFAULT),
                        false);
    }

    @AfterEach
    void stop() {
        daemon.close();
    }

    @Test
    void byTcpAUserProvesWhoItIs() {
        new Users(directory.resolve("state/users")).put("alice", "wonder".toCharArray());
        String uri = "qemu+tcp://127.0.0.1:%d/system".formatted(daemon.listenTcp(ANY_PORT));
        try (Connection connection = Connection.with().credentials(Credentials.of("alice", "wonder".toCharArray())).open(uri)) {
            assertThat(connection.domains()).isEmpty();
        }
        assertThatThrownBy(() -> Connection.with().credentials(Credentials.of("alice", "wrong".toCharArray())).open(uri))
                .isInstanceOf(DeniedException.class).hasMessageContaining("wrong name or password");
        assertThatThrownBy(() -> Connection.open(uri)).isInstanceOf(DeniedException.class);
    }

    @Test
    void tcpIsForTheLoopbackAlone() {
        assertThatThrownBy(() -> daemon.listenTcp(new InetSocketAddress("192.0.2.1", 0))).isInstanceOf(DaemonException.class)
                .hasMessageContaining("not this host's loopback");
    }

    @Test
    void byTlsACertificateSaysWhoItIs() throws IOException, InterruptedException {
        Path pki = directory.resolve("pki");
        makeCertificates(pki);
        int port = daemon.listenTls(ANY_PORT, pki);
        String uri = "qemu+tls://localhost:%d/system".formatted(port);
        try (Connection connection = Connection.with().tls(Certificates.ofClient(pki)).open(uri)) {
            assertThat(connection.domains()).isEmpty();
        }
        assertThatThrownBy(() -> Connection.open(uri)).isInstanceOf(ConnectionLostException.class);
    }

    private static void makeCertificates(Path pki) throws IOException, InterruptedException {
        Files.createDirectories(pki);
        openssl(pki, "req -x509 -newkey rsa:2048 -nodes -keyout cakey.pem -out cacert.pem -subj /CN=ca -days 2");
        for (String who : List.of("server", "client")) {
            openssl(pki, "req -newkey rsa:2048 -nodes -keyout %skey.pem -out %s.csr -subj /CN=localhost ".formatted(who, who)
                    + "-addext subjectAltName=DNS:localhost");
            openssl(pki, "x509 -req -in %s.csr -CA cacert.pem -CAkey cakey.pem -CAcreateserial -out %scert.pem ".formatted(who, who)
                    + "-days 2 -copy_extensions copy");
        }
    }

    private static void openssl(Path directory, String arguments) throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "no openssl here to make certificates with");
        Process process = new ProcessBuilder(("/usr/bin/openssl " + arguments).split(" ")).directory(directory.toFile())
                .redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
