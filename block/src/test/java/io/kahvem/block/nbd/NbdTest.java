package io.kahvem.block.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Extent;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.QemuTools;
import io.kahvem.block.QemuTools.Result;
import io.kahvem.block.qcow2.Qcow2Node;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Both ends of NBD, each with QEMU's and libnbd's other end.
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class NbdTest {
    private static final int SIZE = 3 << 20;

    @TempDir
    private Path dir;

    @BeforeEach
    void qemu() {
        QemuTools.needed();
    }

    private String url(String export) {
        return "nbd+unix:///%s?socket=%s".formatted(export, dir.resolve("sock"));
    }

    private byte[] content(String name) throws IOException {
        byte[] content = new byte[SIZE];
        Random random = new Random(3);
        for (int n = 0; n < SIZE; n += 65_536) {
            if (random.nextBoolean()) Arrays.fill(content, n, n + 65_536, (byte) (1 + random.nextInt(99)));
        }
        Files.write(dir.resolve(name), content);
        return content;
    }

    /// qemu-nbd on an image, until the result is closed.
    private AutoCloseable qemuNbd(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("qemu-nbd", "-t", "-k", dir.resolve("sock").toString()));
        command.addAll(List.of(options));
        Process process = new ProcessBuilder(command).inheritIO().start();
        while (!Files.exists(dir.resolve("sock"))) {
            if (process.waitFor(20, TimeUnit.MILLISECONDS)) throw new AssertionError("qemu-nbd ended");
        }
        return () -> {
            process.destroy();
            process.waitFor();
        };
    }

    /// Random changes, and the same to a model.
    private static void change(BlockNode node, byte[] model, Random random) {
        for (int step = 0; step < 60; step++) {
            int offset = random.nextInt(model.length / 512) * 512;
            int length = Math.min(model.length - offset, (1 + random.nextInt(random.nextInt(8) == 0 ? 2000 : 40)) * 512);
            switch (random.nextInt(8)) {
                case 0, 1, 2, 3 -> {
                    MemorySegment data = Bytes.random(random, length);
                    node.write(offset, data);
                    MemorySegment.ofArray(model).asSlice(offset, length).copyFrom(data);
                }
                case 4 -> {
                    node.writeZeroes(offset, length, random.nextBoolean());
                    Arrays.fill(model, offset, offset + length, (byte) 0);
                }
                case 5 -> {
                    node.writeZeroes(offset, length, true);
                    node.discard(offset, length);
                    Arrays.fill(model, offset, offset + length, (byte) 0);
                }
                case 6 -> node.flush();
                default -> assertThat(Bytes.read(node, offset, length)).isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void readsAndWritesWhatQemuNbdServes(String format) throws Exception {
        byte[] expected = content("raw");
        QemuTools.img("convert", "-O", format, dir.resolve("raw"), dir.resolve("image"));
        try (AutoCloseable server = qemuNbd("-f", format, "-x", "disk", dir.resolve("image").toString());
                BlockNode node = Images.open(url("disk"), OpenOptions.writable("raw"))) {
            assertThat(server).isNotNull();
            assertThat(node.sizeBytes()).isEqualTo(SIZE);
            assertThat(Bytes.read(node, 0, SIZE)).isEqualTo(expected);
            int extents = 0;
            for (int at = 0; at < SIZE; extents++) {
                Extent extent = node.extentAt(at, SIZE - at);
                boolean zero = expected[at] == 0;
                assertThat(extent.kind()).as("at %d", at).isEqualTo(zero ? Extent.Kind.ZERO : Extent.Kind.DATA);
                at += (int) extent.length();
            }
            assertThat(extents).isGreaterThan(4);
            change(node, expected, new Random(1));
            assertThat(Bytes.read(node, 0, SIZE)).isEqualTo(expected);
        }
        QemuTools.img("convert", "-f", format, "-O", "raw", dir.resolve("image"), dir.resolve("out"));
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(expected);
    }

    @Test
    void anImageOfAnyFormatMayBeBehindTheConnection() throws Exception {
        byte[] expected = new byte[SIZE];
        Files.write(dir.resolve("store"), new byte[2 * SIZE]);
        try (AutoCloseable server = qemuNbd("-f", "raw", "-e", "4", dir.resolve("store").toString())) {
            assertThat(server).isNotNull();
            Images.create(Formats.named("qcow2"), url(""), SIZE, new CreateOptions(Formats.named("qcow2")));
            try (BlockNode node = Images.open(url(""), OpenOptions.writable(null))) {
                assertThat(node.format()).isEqualTo("qcow2");
                change(node, expected, new Random(2));
            }
            assertThatThrownBy(() -> Images.create(Formats.named("raw"), url(""), 9 * SIZE, new CreateOptions(Formats.named("raw"))))
                    .isInstanceOf(BlockException.class).hasMessageContaining("a server's disk does not grow");
        }
        QemuTools.img("convert", "-f", "qcow2", "-O", "raw", dir.resolve("store"), dir.resolve("out"));
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(expected);
    }

    @Test
    void saysWhatQemuSaysWhereThereIsNothing() throws Exception {
        content("raw");
        try (AutoCloseable server = qemuNbd("-r", "-e", "9", "-f", "raw", "-x", "disk", dir.resolve("raw").toString())) {
            assertThat(server).isNotNull();
            for (String name : List.of(
                    url("other"), url("disk").replace("sock", "none"), "nbd+unix:///x", "nbd:foo", "nbd://127.0.0.1:1/")) {
                Result theirs = QemuTools.run("qemu-img", "info", "-f", "raw", name);
                assertThatThrownBy(() -> Images.open(name, OpenOptions.readOnly("raw"))).as(name)
                        .isInstanceOf(BlockException.class).hasMessage(theirs.output().replaceFirst("qemu-img: ", "").strip());
            }
            assertThatThrownBy(() -> Images.open(url("disk"), OpenOptions.writable("raw"))).hasMessageContaining("export is read-only");
            assertThat(Images.open("nbd:unix:%s:exportname=disk".formatted(dir.resolve("sock")), OpenOptions.readOnly("raw")).sizeBytes())
                    .isEqualTo(SIZE);
        }
    }

    private NbdServer serve(BlockNode node, String name, boolean readOnly, @Nullable String bitmap) {
        NbdExport export = new NbdExport(node, name, "a disk", readOnly, true, bitmap, 16);
        return NbdServer.start(export, UnixDomainSocketAddress.of(dir.resolve("sock")), true, Optional.empty(), line -> { });
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2", "vmdk"})
    void qemuReadsAndWritesWhatIsServedHere(String format) throws IOException {
        byte[] expected = content("raw");
        QemuTools.img("convert", "-O", format, dir.resolve("raw"), dir.resolve("image"));
        try (BlockNode node = Images.open(dir.resolve("image").toString(), OpenOptions.writable(format));
                NbdServer server = serve(node, "disk", false, null)) {
            assertThat(server.address()).isNotNull();
            QemuTools.img("convert", "-f", "raw", "-O", "raw", url("disk"), dir.resolve("out"));
            assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(expected);
            Result io = QemuTools.run("qemu-io", "-f", "raw", "-c", "write -P 7 1000 70000", "-c", "write -z 2M 100k",
                    "-c", "discard 1M 64k", "-c", "write -P 9 1M 64k", "-c", "flush", "-c", "read -P 7 1000 70000",
                    "-c", "write -f -P 8 3000k 4k", url("disk"));
            assertThat(io.output()).doesNotContain("fail").doesNotContain("rror");
            Arrays.fill(expected, 1000, 71_000, (byte) 7);
            Arrays.fill(expected, 2 << 20, (2 << 20) + 102_400, (byte) 0);
            Arrays.fill(expected, 1 << 20, (1 << 20) + 65_536, (byte) 9);
            Arrays.fill(expected, 3000 << 10, 3004 << 10, (byte) 8);
            assertThat(Bytes.read(node, 0, SIZE)).isEqualTo(expected);
            assertThat(QemuTools.run("qemu-io", "-f", "raw", "-c", "write -P 1 4M 4k", url("disk")).output()).contains("rror");
        }
        QemuTools.img("convert", "-f", format, "-O", "raw", dir.resolve("image"), dir.resolve("out"));
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(expected);
    }

    @Test
    void qemuMapsWhatIsServedHereAsTheImageItself() throws IOException {
        content("raw");
        QemuTools.img("convert", "-O", "qcow2", dir.resolve("raw"), dir.resolve("image"));
        try (BlockNode node = Images.open(dir.resolve("image").toString(), OpenOptions.readOnly(null));
                NbdServer server = serve(node, "", true, null)) {
            assertThat(server.address()).isNotNull();
            String served = QemuTools.img("map", "-f", "raw", "--output=json", url(""));
            String itself = QemuTools.img("map", "--output=json", dir.resolve("image"));
            assertThat(withoutPlaces(served)).isEqualTo(withoutPlaces(itself));
        }
    }

    /// Extents' starts, lengths and zeros.
    private static List<String> withoutPlaces(String map) {
        return Arrays.stream(map.split("\n")).map(line -> line.replaceAll(".*\"start\": (\\d+), \"length\": (\\d+).*\"zero\": (\\w+).*",
                "$1 $2 $3")).toList();
    }

    private static void libnbdNeeded() {
        boolean there = Arrays.stream(System.getenv("PATH").split(":")).anyMatch(path -> Files.isExecutable(Path.of(path, "nbdcopy")));
        assumeTrue(there, "nbdcopy is not installed (Debian: apt-get install libnbd-bin)");
    }

    @Test
    void libnbdReadsAndWritesWhatIsServedHere() throws IOException {
        libnbdNeeded();
        byte[] expected = content("raw");
        Images.create(Formats.named("qcow2"), dir.resolve("image").toString(), SIZE, new CreateOptions(Formats.named("qcow2")));
        try (BlockNode node = Images.open(dir.resolve("image").toString(), OpenOptions.writable(null));
                NbdServer server = serve(node, "disk", false, null)) {
            assertThat(server.address()).isNotNull();
            Result info = QemuTools.run("nbdinfo", url("disk"));
            assertThat(info.output()).contains("export-size: 3145728", "base:allocation", "can_multi_conn: true", "can_zero: true",
                    "can_trim: true", "can_fua: true", "block_size_maximum: 33554432", "description: a disk");
            assertThat(QemuTools.run("nbdinfo", "--list", url("disk")).output()).contains("export=\"disk\"");
            Result copied = QemuTools.run("nbdcopy", dir.resolve("raw"), url("disk"));
            assertThat(copied.status()).as(copied.output()).isZero();
            assertThat(Bytes.read(node, 0, SIZE)).isEqualTo(expected);
            copied = QemuTools.run("nbdcopy", url("disk"), dir.resolve("out"));
            assertThat(copied.status()).as(copied.output()).isZero();
            assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(expected);
        }
        QemuTools.check(dir.resolve("image"));
    }

    @Test
    void tellsOfLayersAndBitmaps() throws IOException {
        libnbdNeeded();
        content("raw");
        QemuTools.img("convert", "-O", "qcow2", dir.resolve("raw"), dir.resolve("base"));
        QemuTools.img("create", "-f", "qcow2", "-b", "base", "-F", "qcow2", dir.resolve("top"));
        try (BlockNode node = Images.open(dir.resolve("top").toString(), OpenOptions.writable(null))) {
            ((Qcow2Node) node).bitmaps().add("changes", 65_536, true);
            node.write(65_536, Bytes.random(new Random(1), 65_536));
            try (NbdServer server = serve(node, "disk", false, "changes")) {
                assertThat(server.address()).isNotNull();
                String dirty = QemuTools.run("nbdinfo", "--map=qemu:dirty-bitmap:changes", url("disk")).output();
                assertThat(dirty.lines().map(line -> line.strip().replaceAll(" +", " ")).toList())
                        .startsWith("0 65536 0 clean", "65536 65536 1 dirty", "131072 3014656 0 clean");
                String depth = QemuTools.run("nbdinfo", "--map=qemu:allocation-depth", url("disk")).output();
                assertThat(depth).contains("65536       65536    1  local");
            }
        }
    }

    @Test
    void aServerEndsWithItsLastClientOrWhenItIsClosed() throws Exception {
        content("raw");
        try (BlockNode node = Images.open(dir.resolve("raw").toString(), OpenOptions.readOnly("raw"))) {
            NbdExport export = new NbdExport(node, "", null, true, false, null, 1);
            InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            try (NbdServer server = NbdServer.start(export, any, false, Optional.empty(), line -> { })) {
                int port = ((InetSocketAddress) server.address()).getPort();
                try (BlockNode client = Images.open("nbd://127.0.0.1:%d/".formatted(port), OpenOptions.readOnly("raw"))) {
                    assertThat(client.sizeBytes()).isEqualTo(SIZE);
                    assertThatThrownBy(() -> NbdServer.start(export, server.address(), false, Optional.empty(), line -> { }))
                            .hasMessageContaining("Failed to listen").hasMessageContaining("already in use");
                }
                server.awaitEnd();
            }
            NbdServer server = serve(node, "", true, null);
            BlockNode client = Images.open(url(""), OpenOptions.readOnly("raw"));
            server.close();
            assertThatThrownBy(() -> Bytes.read(client, 0, 512))
                    .isInstanceOf(BlockException.class).hasMessageContaining("the connection is gone");
            client.close();
            assertThat(Files.exists(dir.resolve("sock"))).isFalse();
        }
    }
}
