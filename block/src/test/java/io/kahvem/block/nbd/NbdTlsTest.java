package io.kahvem.block.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.QemuTools;
import io.kahvem.block.QemuTools.Result;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

/// NBD by TLS: both ends, each with QEMU's and libnbd's other end, and what is refused.
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class NbdTlsTest {
    private static final int SIZE = 4 << 20;

    @TempDir
    private Path dir;

    private Path certificates = Path.of("");
    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void certificates() throws IOException {
        certificates = TestCertificates.make(dir.resolve("pki"));
    }

    private Path socket() {
        return dir.resolve("sock");
    }

    private String url(Path with) {
        return "nbds+unix:///disk?socket=%s&tls-certificates=%s".formatted(socket(), with);
    }

    private byte[] content() throws IOException {
        byte[] content = new byte[SIZE];
        new Random(3).nextBytes(content);
        Arrays.fill(content, 1 << 20, 2 << 20, (byte) 0);
        Files.write(dir.resolve("raw"), content);
        return content;
    }

    private NbdServer serve(BlockNode node, SocketAddress address, boolean needsPeer) {
        NbdExport export = new NbdExport(node, "disk", "a disk", false, false, null, 4);
        return NbdServer.start(export, address, true, Optional.of(TlsCredentials.ofServer(certificates, needsPeer)), line -> {
            synchronized (log) {
                log.add(line);
            }
        });
    }

    private BlockNode raw() {
        return Images.open(dir.resolve("raw").toString(), OpenOptions.writable("raw"));
    }

    private static byte[] readAll(BlockNode node) {
        return Bytes.read(node, 0, SIZE);
    }

    @Test
    void qemuAndLibnbdUseWhatIsServedHere() throws Exception {
        QemuTools.needed();
        TestCertificates.needed("nbdinfo", "libnbd-bin");
        byte[] expected = content();
        String object = "tls-creds-x509,id=tls0,endpoint=client,dir=" + certificates;
        try (BlockNode node = raw(); NbdServer server = serve(node, anyPort(), true)) {
            int port = ((InetSocketAddress) server.address()).getPort();
            String image = "driver=nbd,host=localhost,port=%d,export=disk,tls-creds=tls0".formatted(port);
            String url = "nbds://localhost:%d/disk?tls-certificates=%s".formatted(port, certificates);
            QemuTools.img("convert", "--object", object, "--image-opts", image, "-O", "raw", dir.resolve("out"));
            assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(expected);
            Result written = QemuTools.run("qemu-io", "--object", object, "--image-opts", image, "-c", "write -P 7 1M 100k", "-c", "flush");
            assertThat(written.status()).as(written.output()).isZero();
            Arrays.fill(expected, 1 << 20, (1 << 20) + 102_400, (byte) 7);
            assertThat(readAll(node)).isEqualTo(expected);
            Result info = QemuTools.run("nbdinfo", url);
            assertThat(info.status()).as(info.output()).isZero();
            assertThat(info.output()).contains("newstyle-fixed with TLS", "export-size: " + SIZE);
            Result list = QemuTools.run("qemu-nbd", "-L", "-b", "localhost", "-p", port, "--object", object, "--tls-creds", "tls0");
            assertThat(list.output()).contains("export: 'disk'");
            assertThat(exports(url)).isEqualTo(list.output());
        }
        assertThat(log).isEmpty();
    }

    private static InetSocketAddress anyPort() throws IOException {
        return new InetSocketAddress(InetAddress.getByName("localhost"), 0);
    }

    private static String exports(String url) {
        List<ListedExport> exports = ListedExport.of(NbdUrl.parse(url));
        StringBuilder text = new StringBuilder("exports available: %d\n".formatted(exports.size()));
        for (ListedExport export : exports) text.append(export.shown());
        return text.toString();
    }

    @Test
    void whatQemuServesIsUsedHere() throws Exception {
        QemuTools.needed();
        byte[] expected = content();
        Process process = new ProcessBuilder("qemu-nbd", "-t", "-k", socket().toString(), "-f", "raw", "-x", "disk", "--object",
                "tls-creds-x509,id=tls0,endpoint=server,dir=" + certificates, "--tls-creds", "tls0", dir.resolve("raw").toString())
                .inheritIO().start();
        try {
            while (!Files.exists(socket())) assertThat(process.waitFor(20, TimeUnit.MILLISECONDS)).isFalse();
            try (BlockNode node = Images.open(url(certificates), OpenOptions.writable("raw"))) {
                assertThat(readAll(node)).isEqualTo(expected);
                node.write(12_345, Bytes.of(new byte[] {1, 2, 3}));
                System.arraycopy(new byte[] {1, 2, 3}, 0, expected, 12_345, 3);
                node.flush();
                assertThat(readAll(node)).isEqualTo(expected);
            }
            assertThat(exports(url(certificates))).contains("export: 'disk'", "size:  " + SIZE);
            refused("nbd+unix:///disk?socket=" + socket(), "Server requires TLS: give an nbds: address");
        } finally {
            process.destroy();
            process.waitFor();
        }
        assertThat(Files.readAllBytes(dir.resolve("raw"))).isEqualTo(expected);
    }

    @Test
    void manyThreadsReadAndWriteAtOnce() throws Exception {
        byte[] expected = content();
        int parts = 8;
        int part = SIZE / parts;
        try (BlockNode node = raw(); NbdServer server = serve(node, anyPort(), true);
                BlockNode client = Images.open("nbds://localhost:%d/disk?tls-certificates=%s"
                        .formatted(((InetSocketAddress) server.address()).getPort(), certificates), OpenOptions.writable("raw"));
                ExecutorService threads = Executors.newFixedThreadPool(parts)) {
            List<Callable<Void>> work = new ArrayList<>();
            for (int n = 0; n < parts; n++) {
                int from = n * part;
                work.add(() -> {
                    Random random = new Random(from);
                    for (int step = 0; step < 40; step++) {
                        int length = 1 + random.nextInt(random.nextInt(5) == 0 ? part : 5000);
                        int offset = from + random.nextInt(part - length + 1);
                        byte[] data = new byte[length];
                        random.nextBytes(data);
                        client.write(offset, Bytes.of(data));
                        System.arraycopy(data, 0, expected, offset, length);
                        assertThat(Bytes.read(client, from, part)).isEqualTo(Arrays.copyOfRange(expected, from, from + part));
                    }
                    return null;
                });
            }
            for (Future<Void> done : threads.invokeAll(work)) done.get();
            assertThat(readAll(node)).isEqualTo(expected);
        }
        assertThat(log).isEmpty();
    }

    private static void refused(String url, String why) {
        assertThatThrownBy(() -> Images.open(url, OpenOptions.readOnly("raw")).close())
                .isInstanceOf(BlockException.class).hasMessageContaining(why);
    }

    @Test
    void whoDoesNotProveWhoItIsIsRefused() throws Exception {
        content();
        Path others = TestCertificates.make(dir.resolve("others"));
        Path nobody = Files.createDirectory(dir.resolve("nobody"));
        Files.copy(certificates.resolve("ca-cert.pem"), nobody.resolve("ca-cert.pem"));
        Path stranger = Files.createDirectory(dir.resolve("stranger"));
        Files.copy(certificates.resolve("ca-cert.pem"), stranger.resolve("ca-cert.pem"));
        for (String file : List.of("client-cert.pem", "client-key.pem")) Files.copy(others.resolve(file), stranger.resolve(file));
        try (BlockNode node = raw(); NbdServer server = serve(node, UnixDomainSocketAddress.of(socket()), true)) {
            assertThat(server).isNotNull();
            refused(url(others), "Failed to negotiate with '%s'".formatted(socket()));
            refused(url(nobody), "Failed to negotiate with '%s'".formatted(socket()));
            refused(url(stranger), "Failed to negotiate with '%s'".formatted(socket()));
            refused(url(certificates) + "&tls-hostname=elsewhere", "elsewhere");
            refused("nbd+unix:///disk?socket=" + socket(), "Server requires TLS");
            refused("nbds+unix:///disk?socket=" + socket(), "Give tls-certificates=DIRECTORY");
            refused(url(dir), "ca-cert.pem: No such file or directory");
            try (BlockNode client = Images.open(url(certificates) + "&tls-hostname=localhost", OpenOptions.readOnly("raw"))) {
                assertThat(readAll(client)).as("those who do are served all the same").isEqualTo(readAll(node));
            }
        }
        try (BlockNode node = raw(); NbdServer server = serve(node, UnixDomainSocketAddress.of(socket()), false);
                BlockNode client = Images.open(url(nobody), OpenOptions.readOnly("raw"))) {
            assertThat(server).isNotNull();
            assertThat(readAll(client)).as("a server that asks for no certificate").isEqualTo(readAll(node));
        }
        NbdExport plain = new NbdExport(raw(), "disk", null, false, false, null, 1);
        try (BlockNode node = plain.node(); NbdServer server = NbdServer.start(plain, UnixDomainSocketAddress.of(socket()), true,
                Optional.empty(), log::add)) {
            assertThat(node.sizeBytes()).isEqualTo(SIZE);
            assertThat(server).isNotNull();
            refused(url(certificates), "Server does not support TLS");
        }
    }

    @Test
    void aRevokedCertificateIsRefused() throws Exception {
        content();
        Path revoking = Files.createDirectory(dir.resolve("revoking"));
        for (String file : List.of("ca-cert.pem", "server-cert.pem", "server-key.pem")) {
            Files.copy(certificates.resolve(file), revoking.resolve(file));
        }
        Files.writeString(dir.resolve("crl.info"), "crl_next_update = 10\ncrl_number = 1\n");
        Result made = QemuTools.run("certtool", "--generate-crl", "--load-ca-privkey=" + certificates.resolve("ca-key.pem"),
                "--load-ca-certificate=" + certificates.resolve("ca-cert.pem"), "--template=" + dir.resolve("crl.info"),
                "--load-certificate=" + certificates.resolve("client-cert.pem"), "--outfile=" + revoking.resolve("ca-crl.pem"));
        assertThat(made.status()).as(made.output()).isZero();
        TlsCredentials credentials = TlsCredentials.ofServer(revoking, true);
        NbdExport export = new NbdExport(raw(), "disk", null, false, false, null, 1);
        try (BlockNode node = export.node(); NbdServer server = NbdServer.start(export, UnixDomainSocketAddress.of(socket()), true,
                Optional.of(credentials), line -> { })) {
            assertThat(node.sizeBytes()).isEqualTo(SIZE);
            assertThat(server).isNotNull();
            refused(url(certificates), "Failed to negotiate");
        }
    }

    @Test
    void nonsenseInPlaceOfTlsBreaksItsConnectionAlone() throws Exception {
        content();
        try (BlockNode node = raw(); NbdServer server = serve(node, UnixDomainSocketAddress.of(socket()), true)) {
            assertThat(server).isNotNull();
            for (int seed = 0; seed < 40; seed++) {
                Random random = new Random(seed);
                try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                    channel.connect(UnixDomainSocketAddress.of(socket()));
                    ByteBuffer start = ByteBuffer.allocate(20).putInt(3).putLong(Nbd.OPTION_MAGIC).putInt(Nbd.OPT_STARTTLS).putInt(0);
                    channel.write(start.flip());
                    byte[] nonsense = new byte[random.nextInt(3000)];
                    random.nextBytes(nonsense);
                    if (nonsense.length > 5 && random.nextBoolean()) {
                        System.arraycopy(new byte[] {0x16, 3, 1, 0, (byte) random.nextInt(256)}, 0, nonsense, 0, 5);
                    }
                    channel.write(ByteBuffer.wrap(nonsense));
                } catch (IOException closed) {
                    assertThat(closed).isNotNull();
                }
            }
            try (BlockNode client = Images.open(url(certificates), OpenOptions.readOnly("raw"))) {
                assertThat(readAll(client)).isEqualTo(readAll(node));
            }
        }
    }
}
