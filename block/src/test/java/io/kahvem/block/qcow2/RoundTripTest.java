package io.kahvem.block.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.QemuTools;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Images of generated options, written here and read by QEMU, and the other way round.
class RoundTripTest {
    private static final String[] CLUSTERS = {"512", "1k", "4k", "64k", "2M"};
    private static final String[] REFCOUNTS = {"1", "2", "4", "8", "16", "32", "64"};

    @TempDir
    private Path dir;

    /// What is made: options as `create -o` takes them, and a seed for what is written.
    record Case(String options, int sizeBytes, boolean backing, int seed) {}

    static Stream<Case> cases() {
        return IntStream.range(0, 24).mapToObj(seed -> {
            Random random = new Random(seed);
            boolean v2 = random.nextInt(5) == 0;
            boolean extended = !v2 && random.nextInt(3) == 0;
            String cluster = extended ? random.nextBoolean() ? "16k" : "64k" : CLUSTERS[random.nextInt(CLUSTERS.length)];
            String options = "cluster_size=" + cluster;
            if (v2) options += ",compat=0.10";
            else options += ",refcount_bits=" + REFCOUNTS[random.nextInt(REFCOUNTS.length)];
            if (extended) options += ",extended_l2=on";
            if (!v2 && random.nextInt(3) == 0) options += ",compression_type=zstd";
            if (!v2 && random.nextInt(3) == 0) options += ",lazy_refcounts=on";
            boolean backing = random.nextInt(3) == 0;
            if (!backing && random.nextInt(4) == 0) options += ",preallocation=metadata";
            return new Case(options, (1 + random.nextInt(5000)) * 512 + random.nextInt(2) * (1 << 20), backing, seed);
        });
    }

    @BeforeEach
    void qemu() {
        QemuTools.needed();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatIsWrittenHereIsReadByQemu(Case c) throws IOException {
        Path image = dir.resolve("image.qcow2");
        byte[] expected = new byte[c.sizeBytes];
        CreateOptions options = new CreateOptions(Formats.named("qcow2"));
        for (String option : c.options.split(",")) options.set(option.split("=")[0], option.split("=")[1]);
        if (c.backing) {
            new Random(77).nextBytes(expected);
            Files.write(dir.resolve("base.raw"), Arrays.copyOf(expected, Math.min(expected.length, 300 * 512)));
            Arrays.fill(expected, Math.min(expected.length, 300 * 512), expected.length, (byte) 0);
            options.set("backing_file", "base.raw").set("backing_fmt", "raw");
        }
        Images.create(Formats.named("qcow2"), image.toString(), c.sizeBytes, options);
        QemuTools.check(image);
        for (int round = 0; round < 3; round++) {
            try (BlockNode node = Images.open(image.toString(), OpenOptions.writable(null))) {
                change((Qcow2Node) node, expected, new Random(31 * c.seed + round), 40);
                assertThat(Bytes.read(node, 0, c.sizeBytes)).isEqualTo(expected);
            }
            QemuTools.check(image);
        }
        Path raw = dir.resolve("out.raw");
        QemuTools.img("convert", "-f", "qcow2", "-O", "raw", image, raw);
        assertThat(Files.readAllBytes(raw)).isEqualTo(expected);
    }

    /// Random writes, zeros, discards, compressed clusters and flushes, and the same to a model.
    static void change(Qcow2Node node, byte[] model, Random random, int steps) {
        int cluster = node.clusterSize();
        for (int step = 0; step < steps; step++) {
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
                    node.discard(offset, length);
                    byte[] now = Bytes.read(node, offset, length);
                    for (int n = 0; n < length; n++) {
                        if (now[n] != model[offset + n]) assertThat(now[n]).isZero();
                        model[offset + n] = now[n];
                    }
                }
                case 6 -> {
                    int start = offset / cluster * cluster;
                    byte[] data = new byte[Math.min(cluster, model.length - start)];
                    for (int n = 0; n < data.length; n++) data[n] = (byte) (random.nextInt(10) == 0 ? random.nextInt(4) : 'a');
                    node.writeCompressed(start, Bytes.of(data));
                    System.arraycopy(data, 0, model, start, data.length);
                }
                default -> node.flush();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatQemuWritesIsReadHere(Case c) throws IOException {
        Path image = dir.resolve("image.qcow2");
        byte[] expected = new byte[c.sizeBytes];
        Random random = new Random(c.seed + 1000L);
        Path content = dir.resolve("content.raw");
        for (int n = 0; n < expected.length; n++) expected[n] = (byte) (n / 9000 % 3 == 0 ? 0 : n % 700 < 300 ? 'x' : random.nextInt());
        Files.write(content, expected);
        String plain = c.options.replace(",preallocation=metadata", "");
        QemuTools.img("convert", "-f", "raw", "-O", "qcow2", "-o", c.options, content, image);
        assertThat(contentOf(image)).isEqualTo(expected);
        QemuTools.img("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", plain, content, image);
        assertThat(contentOf(image)).isEqualTo(expected);
        QemuTools.io(image, "qcow2", "write -P 0x55 0 " + 512 * 3, "write -z 1024 " + Math.min(100 * 512, c.sizeBytes - 1024));
        Arrays.fill(expected, 0, 1024, (byte) 0x55);
        Arrays.fill(expected, 1024, 1024 + Math.min(100 * 512, c.sizeBytes - 1024), (byte) 0);
        assertThat(contentOf(image)).isEqualTo(expected);
    }

    private static byte[] contentOf(Path image) {
        try (BlockNode node = Images.open(image.toString(), OpenOptions.readOnly(null))) {
            return Bytes.read(node, 0, (int) node.sizeBytes());
        }
    }
}
