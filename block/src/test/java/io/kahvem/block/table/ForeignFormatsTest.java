package io.kahvem.block.table;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.CheckedNode;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.QemuTools;
import io.kahvem.block.Repair;
import io.kahvem.block.tool.Copier;
import io.kahvem.block.tool.Progress;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// VHD, VHDX and VMDK images of generated kinds and sizes, written here and read by QEMU, and the other way round.
class ForeignFormatsTest {
    private static final String[] KINDS = {
        "vpc", "vpc subformat=fixed", "vpc force_size=on", "vpc subformat=fixed,force_size=on", "vhdx", "vhdx subformat=fixed",
        "vhdx block_size=1M", "vhdx block_size=2M,log_size=2M,block_state_zero=off", "vmdk", "vmdk zeroed_grain=on",
        "vmdk subformat=monolithicFlat", "vmdk subformat=twoGbMaxExtentSparse", "vmdk subformat=twoGbMaxExtentFlat",
        "vmdk subformat=streamOptimized", "vmdk adapter_type=lsilogic,compat6=on"
    };

    @TempDir
    private Path dir;

    /// @param options of the format, as `create -o` takes them; may be empty
    record Case(String format, String options, int sizeBytes, int seed) {
        boolean isStream() {
            return options.contains("streamOptimized");
        }
    }

    static Stream<Case> cases() {
        return IntStream.range(0, 2 * KINDS.length).mapToObj(seed -> {
            Random random = new Random(seed);
            String[] kind = KINDS[seed % KINDS.length].split(" ");
            int size = (1 + random.nextInt(random.nextBoolean() ? 30_000 : 300)) * 512;
            return new Case(kind[0], kind.length > 1 ? kind[1] : "", size, seed);
        });
    }

    @BeforeEach
    void qemu() {
        QemuTools.needed();
    }

    private Path create(Case c) {
        Path image = dir.resolve("image." + c.format);
        CreateOptions options = new CreateOptions(Formats.named(c.format));
        if (!c.options.isEmpty()) for (String option : c.options.split(",")) options.set(option.split("=")[0], option.split("=")[1]);
        Images.create(Formats.named(c.format), image.toString(), c.sizeBytes, options);
        return image;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatIsWrittenHereIsReadByQemu(Case c) throws IOException {
        Path image = create(c);
        byte[] expected = new byte[c.sizeBytes];
        for (int round = 0; round < 2; round++) {
            try (BlockNode node = Images.open(image.toString(), OpenOptions.writable(c.format))) {
                assertThat(node.sizeBytes()).isGreaterThanOrEqualTo(c.sizeBytes);
                Random random = new Random(c.seed * 7L + round);
                if (c.isStream()) stream((CompressingNode) node, expected, random);
                else change(node, expected, random);
                assertThat(Bytes.read(node, 0, c.sizeBytes)).isEqualTo(expected);
            }
            readByQemu(c, image, expected);
        }
    }

    private void readByQemu(Case c, Path image, byte[] expected) throws IOException {
        if (!c.format.equals("vpc")) QemuTools.img("check", "-f", c.format, image);
        Path raw = dir.resolve("out.raw");
        QemuTools.img("convert", "-f", c.format, "-O", "raw", image, raw);
        byte[] out = Files.readAllBytes(raw);
        assertThat(Arrays.copyOf(out, expected.length)).isEqualTo(expected);
        for (int n = expected.length; n < out.length; n++) assertThat(out[n]).isZero();
    }

    /// Random writes, zeros and flushes, and the same to a model.
    private static void change(BlockNode node, byte[] model, Random random) {
        for (int step = 0; step < 40; step++) {
            int offset = random.nextInt(model.length / 512) * 512;
            int length = Math.min(model.length - offset, (1 + random.nextInt(random.nextInt(8) == 0 ? 6000 : 40)) * 512);
            switch (random.nextInt(6)) {
                case 0, 1, 2, 3 -> {
                    MemorySegment data = Bytes.random(random, length);
                    node.write(offset, data);
                    MemorySegment.ofArray(model).asSlice(offset, length).copyFrom(data);
                }
                case 4 -> {
                    node.writeZeroes(offset, length, random.nextBoolean());
                    Arrays.fill(model, offset, offset + length, (byte) 0);
                }
                default -> node.flush();
            }
        }
    }

    private static void stream(CompressingNode node, byte[] model, Random random) {
        int cluster = node.clusterSize();
        for (int at = 0; at < model.length; at += cluster) {
            if (random.nextInt(3) == 0) continue;
            byte[] data = new byte[Math.min(cluster, model.length - at)];
            for (int n = 0; n < data.length; n++) data[n] = (byte) (random.nextInt(9) == 0 ? random.nextInt() : n / 50);
            node.writeCompressed(at, Bytes.of(data));
            System.arraycopy(data, 0, model, at, data.length);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatQemuWritesIsReadHere(Case c) throws IOException {
        byte[] expected = new byte[c.sizeBytes];
        Random random = new Random(c.seed + 1000L);
        for (int n = 0; n < expected.length; n++) expected[n] = (byte) (n / 90_000 % 3 == 0 ? 0 : n % 700 < 300 ? 'x' : random.nextInt());
        Path content = dir.resolve("content.raw");
        Files.write(content, expected);
        Path image = dir.resolve("image." + c.format);
        List<Object> line = new ArrayList<>(List.of("convert", "-f", "raw", "-O", c.format));
        if (!c.options.isEmpty()) line.addAll(List.of("-o", c.options));
        line.addAll(List.of(content, image));
        QemuTools.img(line.toArray());
        assertThat(contentOf(c, image)).isEqualTo(expected);
        if (c.isStream() || c.sizeBytes < 100 * 512) return;
        // A change of ours in an image of theirs, and one of theirs after it.
        try (BlockNode node = Images.open(image.toString(), OpenOptions.writable(c.format))) {
            change(node, expected, random);
        }
        QemuTools.io(image, c.format, "write -P 0x55 1024 " + 512 * 90);
        Arrays.fill(expected, 1024, 1024 + 512 * 90, (byte) 0x55);
        assertThat(contentOf(c, image)).isEqualTo(expected);
        readByQemu(c, image, expected);
    }

    private static byte[] contentOf(Case c, Path image) {
        try (BlockNode node = Images.open(image.toString(), OpenOptions.readOnly(c.format))) {
            if (node instanceof CheckedNode checked) assertThat(checked.check(Repair.NONE, line -> { }).isClean()).isTrue();
            return Bytes.read(node, 0, c.sizeBytes);
        }
    }

    @Test
    void copiesThroughEveryFormat() throws IOException {
        byte[] expected = new byte[9 << 20];
        Random random = new Random(5);
        for (int n = 0; n < expected.length; n += 100_000) {
            if (random.nextBoolean()) Arrays.fill(expected, n, Math.min(expected.length, n + 100_000), (byte) (1 + random.nextInt(9)));
        }
        Path before = dir.resolve("content.raw");
        Files.write(before, expected);
        String beforeFormat = "raw";
        for (int n = 0; n < KINDS.length; n++) {
            String[] kind = KINDS[n].split(" ");
            Files.createDirectories(dir.resolve("d" + n));
            Case c = new Case(kind[0], kind.length > 1 ? kind[1] : "", expected.length, n);
            Path image = create(c);
            try (BlockNode from = Images.open(before.toString(), OpenOptions.readOnly(beforeFormat));
                    BlockNode to = Images.open(image.toString(), OpenOptions.writable(c.format))) {
                CompressingNode packs = to instanceof CompressingNode it && it.needsCompressedWrites() ? it : null;
                BlockNode whole = new WindowNode(from, beforeFormat, 0, expected.length);
                new Copier(whole, to, 0, 4096, true, packs, null).copy(3, Progress.NONE);
            }
            readByQemu(c, image, expected);
            Path moved = dir.resolve("d" + n);
            try (Stream<Path> files = Files.list(dir)) {
                for (Path file : files.filter(f -> f.getFileName().toString().startsWith("image")).toList()) {
                    Files.move(file, moved.resolve(file.getFileName()));
                }
            }
            before = moved.resolve(image.getFileName());
            beforeFormat = c.format;
        }
    }

    @Test
    void aVmdkShowsTheOneBelowIt() throws IOException {
        byte[] expected = new byte[3 << 20];
        new Random(3).nextBytes(expected);
        Files.write(dir.resolve("content.raw"), expected);
        QemuTools.img("convert", "-f", "raw", "-O", "vmdk", dir.resolve("content.raw"), dir.resolve("base.vmdk"));
        CreateOptions options = new CreateOptions(Formats.named("vmdk")).set("backing_file", "base.vmdk").set("backing_fmt", "vmdk");
        Path top = dir.resolve("top.vmdk");
        Images.create(Formats.named("vmdk"), top.toString(), expected.length, options);
        try (BlockNode node = Images.open(top.toString(), OpenOptions.writable(null))) {
            assertThat(Bytes.read(node, 0, expected.length)).isEqualTo(expected);
            change(node, expected, new Random(4));
            assertThat(Bytes.read(node, 0, expected.length)).isEqualTo(expected);
        }
        Path raw = dir.resolve("out.raw");
        QemuTools.img("convert", "-O", "raw", top, raw);
        assertThat(Files.readAllBytes(raw)).isEqualTo(expected);
    }
}
