package io.kahvem.block.qcow2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import io.kahvem.block.Repair;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Images that lie: each is refused or fails by a BlockException; nothing hangs, and nothing takes memory without bound.
class DamagedImagesTest {
    private static final int SIZE = 1 << 20;

    @TempDir
    private Path dir;

    /// An image with everything in it: data, compressed clusters, zeros, a snapshot and a bitmap.
    private static byte[] image(String options) {
        PowerCutDisk disk = new PowerCutDisk(new byte[0], Integer.MAX_VALUE);
        CreateOptions all = new CreateOptions(Formats.named("qcow2"));
        for (String option : options.split(",")) all.set(option.split("=")[0], option.split("=")[1]);
        Formats.named("qcow2").create(disk, SIZE, all);
        Qcow2Node node = (Qcow2Node) Formats.named("qcow2").open(disk, OpenOptions.writable("qcow2"));
        Random random = new Random(1);
        for (int n = 0; n < 10; n++) node.write(random.nextInt(SIZE / 1024) * 512L, Bytes.random(random, 9000));
        node.writeCompressed(0, Bytes.zeros(node.clusterSize()).fill((byte) 'x'));
        node.writeZeroes(SIZE / 2, 100_000, true);
        node.snapshots().create("one", Instant.EPOCH, 0, 0);
        node.write(4096, Bytes.random(random, 5000));
        if (!node.isVersion2()) node.bitmaps().add("b", 4096, true);
        node.close();
        return disk.everything();
    }

    @ParameterizedTest
    @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
    @ValueSource(strings = {
        "cluster_size=512", "cluster_size=4k,refcount_bits=1", "cluster_size=16k,extended_l2=on", "cluster_size=4k,compat=0.10",
        "cluster_size=1k,compression_type=zstd,lazy_refcounts=on"
    })
    void fuzzedImagesAreRefusedOrFail(String options) {
        byte[] good;
        try {
            good = image(options);
        } catch (BlockException full) {
            assertThat(options).contains("refcount_bits=1");
            good = image(options.replace("refcount_bits=1", "refcount_bits=2"));
        }
        int opened = 0;
        for (int seed = 0; seed < 120; seed++) {
            Random random = new Random(seed);
            byte[] bad = damaged(good, random);
            try {
                use(bad, random, random.nextBoolean());
                opened++;
            } catch (BlockException refused) {
                assertThat(refused.getMessage()).isNotBlank();
            } catch (RuntimeException | OutOfMemoryError bug) {
                fail("%s, seed %d".formatted(options, seed), bug);
            }
        }
        assertThat(opened).as("some damage does not show").isPositive();
    }

    private static byte[] damaged(byte[] good, Random random) {
        byte[] bad = random.nextInt(8) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
        int changes = 1 + random.nextInt(6);
        for (int n = 0; n < changes && bad.length > 16; n++) {
            int where = random.nextInt(3) == 0 ? random.nextInt(Math.min(bad.length, 200)) : random.nextInt(bad.length);
            switch (random.nextInt(4)) {
                case 0 -> bad[where] = (byte) random.nextInt();
                case 1 -> bad[where] ^= (byte) (1 << random.nextInt(8));
                case 2 -> ByteBuffer.wrap(bad).putLong(Math.min(where & -8, bad.length - 8), random.nextLong() >>> random.nextInt(64));
                default -> ByteBuffer.wrap(bad).putInt(Math.min(where & -4, bad.length - 4), -1 >>> random.nextInt(32));
            }
        }
        return bad;
    }

    private static void use(byte[] image, Random random, boolean writable) {
        OpenOptions options = writable ? OpenOptions.writable("qcow2") : OpenOptions.readOnly("qcow2");
        PowerCutDisk disk = new PowerCutDisk(image, 20_000);
        Qcow2Node node = (Qcow2Node) Formats.named("qcow2").open(disk, options);
        BlockException failure = null;
        for (int n = 0; n < 12; n++) {
            try {
                step(node, Math.min(node.sizeBytes(), 4 << 20), random, writable);
            } catch (BlockException e) {
                failure = e;
            }
        }
        new Checker(node).check(Repair.NONE, line -> { });
        node.close();
        if (failure != null) throw failure;
    }

    private static void step(Qcow2Node node, long size, Random random, boolean writable) {
        if (size < 1024) return;
        long offset = random.nextLong(size / 512) * 512;
        int length = (int) Math.min(size - offset, 512 * (1 + random.nextInt(100)));
        switch (random.nextInt(writable ? 8 : 2)) {
            case 0 -> Bytes.read(node, offset, length);
            case 1 -> node.extentAt(offset, length);
            case 2, 3 -> node.write(offset, Bytes.random(random, length));
            case 4 -> node.writeZeroes(offset, length, true);
            case 5 -> node.discard(offset, length);
            case 6 -> node.flush();
            default -> snapshots(node, random);
        }
    }

    private static void snapshots(Qcow2Node node, Random random) {
        switch (random.nextInt(4)) {
            case 0 -> node.snapshots().create("two", Instant.EPOCH, 0, 0);
            case 1 -> node.snapshots().delete("one");
            case 2 -> node.snapshots().apply("one");
            default -> node.resize(node.sizeBytes() / 2 & -512, Preallocation.OFF);
        }
    }

    @Test
    void repairsWhatWasDamagedAtRandom() {
        byte[] good = image("cluster_size=4k");
        int repaired = 0;
        for (int seed = 0; seed < 60; seed++) {
            Random random = new Random(seed);
            byte[] bad = good.clone();
            // In the block of counts, which is the third cluster of a new image.
            for (int n = 0; n < 3; n++) bad[2 * 4096 + random.nextInt(200)] = (byte) random.nextInt(4);
            PowerCutDisk disk = new PowerCutDisk(bad, Integer.MAX_VALUE);
            Qcow2Node node = (Qcow2Node) Formats.named("qcow2").open(disk, OpenOptions.writable("qcow2").forRepair(true));
            CheckResult result = new Checker(node).check(Repair.ALL, line -> { });
            assertThat(result.isClean()).as("seed %d: %s", seed, result).isTrue();
            if (result.corruptionsFixed() + result.leaksFixed() > 0) repaired++;
            node.close();
        }
        assertThat(repaired).isGreaterThan(30);
    }

    @Test
    void tellsWhatIsWrongWithAHeader() {
        byte[] good = image("cluster_size=4k");
        assertThatThrownBy(() -> use(changed(good, 4, 9), new Random(1), false)).hasMessageContaining("Unsupported qcow2 version 9");
        assertThatThrownBy(() -> use(changed(good, 20, 40), new Random(1), false)).hasMessageContaining("Unsupported cluster size: 2^40");
        assertThatThrownBy(() -> use(changed(good, 36, 0x7fff_ffff), new Random(1),
                false)).hasMessageContaining("Active L1 table too large");
        assertThatThrownBy(() -> use(changed(good, 76, 0x8000_0000), new Random(1),
                false)).hasMessageContaining("Unsupported qcow2 feature(s)");
        assertThatThrownBy(() -> use(new byte[600], new Random(1), false)).hasMessageContaining("Image is not in qcow2 format");
    }

    private static byte[] changed(byte[] good, int at, int value) {
        byte[] bad = good.clone();
        ByteBuffer.wrap(bad).putInt(at, value);
        return bad;
    }

    @Test
    void refusesChainsThatLoopOrEndNowhere() throws IOException {
        make("a.qcow2", "b.qcow2");
        make("b.qcow2", "a.qcow2");
        assertThatThrownBy(() -> open("a.qcow2")).isInstanceOf(BlockException.class).hasMessageContaining("creates an infinite loop");
        make("c.qcow2", "none.qcow2");
        assertThatThrownBy(() -> open("c.qcow2"))
                .hasMessage("Could not open '%s': Could not open backing file: Could not open '%s': No such file or directory"
                        .formatted(dir.resolve("c.qcow2"), dir.resolve("none.qcow2")));
        assertThat(Files.exists(dir.resolve("none.qcow2"))).isFalse();
    }

    private void make(String name, String backing) {
        CreateOptions options = new CreateOptions(Formats.named("qcow2")).set("backing_file", backing).set("backing_fmt", "qcow2");
        Images.create(Formats.named("qcow2"), dir.resolve(name).toString(), SIZE, options);
    }

    private BlockNode open(String name) {
        return Images.open(dir.resolve(name).toString(), OpenOptions.readOnly(null));
    }
}
