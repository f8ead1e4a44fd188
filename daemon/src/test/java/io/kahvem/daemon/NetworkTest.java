package io.kahvem.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.daemon.rpc.Certificates;
import io.kahvem.daemon.rpc.Limits;
import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.ConnectionLostException;
import io.kahvem.libvirt.Credentials;
import io.kahvem.libvirt.DeniedException;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The daemon by TCP and TLS.
@Timeout(300)
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
                        () -> false);
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
        int port = daemon.listenTls(ANY_PORT, pki, false);
        String uri = "qemu+tls://localhost:%d/system".formatted(port);
        try (Connection connection = Connection.with().tls(Certificates.ofClient(pki)).open(uri)) {
            assertThat(connection.domains()).isEmpty();
        }
        assertThatThrownBy(() -> Connection.open(uri)).isInstanceOf(ConnectionLostException.class);
    }

    @Test
    void virshComesByTlsWithACertificateOfItsOwn() throws IOException, InterruptedException {
        Path pki = directory.resolve("pki");
        makeCertificates(pki);
        String uri = "qemu+tls://localhost:%d/system?pkipath=".formatted(daemon.listenTls(ANY_PORT, pki, false));
        assertThat(virsh(uri + pki, Map.of(), "uri")).isEqualTo("0 " + uri + pki);
        Path strangers = directory.resolve("strangers");
        makeCertificates(strangers);
        Files.copy(pki.resolve("cacert.pem"), strangers.resolve("cacert.pem"), StandardCopyOption.REPLACE_EXISTING);
        assertThat(virsh(uri + strangers, Map.of(), "uri")).startsWith("1 error: failed to connect to the hypervisor");
    }

    @Test
    void virshProvesBySaslWhoItsUserIs() throws IOException, InterruptedException {
        Path pki = directory.resolve("pki");
        makeCertificates(pki);
        new Users(directory.resolve("state/users")).put("alice", "wonder".toCharArray());
        String uri = "qemu+tls://localhost:%d/system?pkipath=%s".formatted(daemon.listenTls(ANY_PORT, pki, true), pki);
        assertThat(virsh(uri, authFile("alice", "wonder"), "list", "--all", "--name")).isEqualTo("0");
        assertThat(Files.readString(directory.resolve("state/audit.log"))).contains("\"user\":\"alice\"");
        assertThat(virsh(uri, authFile("alice", "wrong"), "list")).startsWith("1 error: failed to connect")
                .contains("authentication failed");
        assertThat(virsh(uri, Map.of(), "list")).startsWith("1 ").contains("error: failed to connect to the hypervisor");
    }

    /// The libvirt library lets SASL alone encrypt what nothing else does, which SCRAM cannot: it ends such a connection itself.
    @Test
    void virshRefusesTcpThatNothingEncrypts() throws IOException, InterruptedException {
        new Users(directory.resolve("state/users")).put("alice", "wonder".toCharArray());
        String uri = "qemu+tcp://localhost:%d/system".formatted(daemon.listenTcp(ANY_PORT));
        assertThat(virsh(uri, authFile("alice", "wonder"), "list")).startsWith("1 error: failed to connect");
    }

    private Map<String, String> authFile(String user, String password) throws IOException {
        Path file = Files.writeString(directory.resolve("auth.conf"), """
                [credentials-here]
                authname=%s
                password=%s
                [auth-libvirt-localhost]
                credentials=here
                """.formatted(user, password));
        return Map.of("LIBVIRT_AUTH_FILE", file.toString());
    }

    /// Its exit status and what it says.
    private static String virsh(String uri, Map<String, String> environment, String... words) throws IOException, InterruptedException {
        Path virsh = Path.of("/usr/bin/virsh");
        Assumptions.assumeTrue(Files.isExecutable(virsh), "no virsh here: apt-get install libvirt-clients");
        List<String> command = new ArrayList<>(List.of(virsh.toString(), "-c", uri));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectInput(new File("/dev/null"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return (process.waitFor() + " " + said).strip();
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
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
