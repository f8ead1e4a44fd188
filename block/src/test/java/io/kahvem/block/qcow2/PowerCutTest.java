package io.kahvem.block.qcow2;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.QemuTools;
import io.kahvem.block.Repair;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Power goes at a write of a random workload: the image is consistent, and what was flushed is there.
class PowerCutTest {
    private static final int SECTOR = 512;
    private static final int SECTORS = 700;
    private static final int STEPS = 60;

    @TempDir
    private Path dir;

    /// What each sector may hold: the stamps of writes since the last flush, and of the last one before it.
    private static final class Model {
        private final List<Set<Long>> possible = new ArrayList<>();
        private final long[] now = new long[SECTORS];
        private long nextStamp = 1;

        Model() {
            for (int n = 0; n < SECTORS; n++) possible.add(new HashSet<>(Set.of(0L)));
        }

        /// Before it is written: from here on, the sector may hold it.
        MemorySegment stamp(int first, int count) {
            MemorySegment data = Bytes.zeros((long) count * SECTOR);
            for (int n = 0; n < count; n++) {
                long stamp = nextStamp++;
                for (long at = 0; at < SECTOR; at += 8) data.set(JAVA_LONG_UNALIGNED, (long) n * SECTOR + at, stamp);
                may(first + n, stamp);
            }
            return data;
        }

        void may(int sector, long stamp) {
            possible.get(sector).add(stamp);
            now[sector] = stamp;
        }

        void flushed() {
            for (int n = 0; n < SECTORS; n++) {
                possible.get(n).clear();
                possible.get(n).add(now[n]);
            }
        }
    }

    private static byte[] newImage(String options) {
        PowerCutDisk disk = new PowerCutDisk(new byte[0], Integer.MAX_VALUE);
        CreateOptions all = new CreateOptions(Formats.named("qcow2"));
        for (String option : options.split(",")) all.set(option.split("=")[0], option.split("=")[1]);
        Formats.named("qcow2").create(disk, (long) SECTORS * SECTOR, all);
        disk.flush();
        return disk.everything();
    }

    /// Works until the power goes, or to the end. Whether it went.
    private static boolean work(PowerCutDisk disk, Model model, int seed) {
        Random random = new Random(seed);
        try {
            Qcow2Node node = (Qcow2Node) Formats.named("qcow2").open(disk, OpenOptions.writable("qcow2"));
            for (int step = 0; step < STEPS; step++) {
                int first = random.nextInt(SECTORS);
                int count = 1 + random.nextInt(Math.min(SECTORS - first, random.nextInt(4) == 0 ? 200 : 12));
                switch (random.nextInt(10)) {
                    case 0, 1, 2, 3, 4 -> node.write((long) first * SECTOR, model.stamp(first, count));
                    case 5 -> {
                        for (int n = 0; n < count; n++) model.may(first + n, 0);
                        node.writeZeroes((long) first * SECTOR, (long) count * SECTOR, random.nextBoolean());
                    }
                    case 6 -> discard(node, model, first, count);
                    case 7 -> compressed(node, model, first);
                    default -> {
                        node.flush();
                        model.flushed();
                    }
                }
            }
            node.close();
            model.flushed();
            return false;
        } catch (BlockException cut) {
            return true;
        }
    }

    private static void discard(Qcow2Node node, Model model, int first, int count) {
        for (int n = 0; n < count; n++) model.possible.get(first + n).add(0L);
        node.discard((long) first * SECTOR, (long) count * SECTOR);
        byte[] after = Bytes.read(node, (long) first * SECTOR, count * SECTOR);
        for (int n = 0; n < count; n++) model.now[first + n] = MemorySegment.ofArray(after).get(JAVA_LONG_UNALIGNED, (long) n * SECTOR);
    }

    private static void compressed(Qcow2Node node, Model model, int first) {
        int perCluster = node.clusterSize() / SECTOR;
        int start = first / perCluster * perCluster;
        int count = Math.min(perCluster, SECTORS - start);
        node.writeCompressed((long) start * SECTOR, model.stamp(start, count));
    }

    private void judge(byte[] image, Model model, String what, boolean lazy, boolean byQemu) throws IOException {
        if (byQemu) {
            Path file = Files.write(dir.resolve("cut.qcow2"), image);
            QemuTools.Result result = lazy ? QemuTools.run("qemu-img", "check", "-r", "all", file) : QemuTools.run("qemu-img", "check",
                    file);
            assertThat(result.status()).as("%s: %s", what, result.output()).isIn(0, 3);
        }
        OpenOptions options = lazy ? OpenOptions.writable("qcow2") : OpenOptions.readOnly("qcow2");
        BlockNode node = Formats.named("qcow2").open(new PowerCutDisk(image, Integer.MAX_VALUE), options);
        List<String> found = new ArrayList<>();
        CheckResult result = new Checker((Qcow2Node) node).check(Repair.NONE, found::add);
        assertThat(result.corruptions() + result.checkErrors()).as("%s: %s", what, found).isZero();
        MemorySegment content = MemorySegment.ofArray(Bytes.read(node, 0, SECTORS * SECTOR));
        for (int n = 0; n < SECTORS; n++) {
            long stamp = content.get(JAVA_LONG_UNALIGNED, (long) n * SECTOR);
            assertThat(model.possible.get(n)).as("%s: sector %d", what, n).contains(stamp);
            for (long at = 0; at < SECTOR; at += 8) {
                assertThat(content.get(JAVA_LONG_UNALIGNED, (long) n * SECTOR + at)).as("%s: sector %d is whole", what, n).isEqualTo(stamp);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "cluster_size=512", "cluster_size=4k", "cluster_size=512,refcount_bits=1", "cluster_size=1k,lazy_refcounts=on",
                "cluster_size=4k,compat=0.10",
        "cluster_size=16k,extended_l2=on", "cluster_size=1k,refcount_bits=64", "cluster_size=4k,preallocation=metadata"
    })
    void leavesAConsistentImageWithAllThatWasFlushed(String options) throws IOException {
        QemuTools.needed();
        boolean lazy = options.contains("lazy");
        byte[] empty = newImage(options);
        for (int seed = 0; seed < 2; seed++) {
            PowerCutDisk whole = new PowerCutDisk(empty, Integer.MAX_VALUE);
            Model untouched = new Model();
            assertThat(work(whole, untouched, seed)).isFalse();
            judge(whole.everything(), untouched, options + ", not cut", lazy, true);
            Random random = new Random(seed);
            for (int cut = 1; cut < whole.writes(); cut += 1 + random.nextInt(7)) {
                PowerCutDisk disk = new PowerCutDisk(empty, cut);
                Model model = new Model();
                assertThat(work(disk, model, seed)).isTrue();
                String what = "%s, seed %d, cut after %d writes".formatted(options, seed, cut);
                judge(disk.everything(), model, what, lazy, random.nextInt(12) == 0);
                judge(disk.afterCut(random), model, what + ", reordered", lazy, random.nextInt(12) == 0);
            }
        }
    }

    @Test
    void findsALayerThatBreaksTheOrder() {
        byte[] empty = newImage("cluster_size=512");
        PowerCutDisk disk = new PowerCutDisk(empty, Integer.MAX_VALUE);
        Qcow2Node node = (Qcow2Node) Formats.named("qcow2").open(disk, OpenOptions.writable("qcow2"));
        node.write(0, Bytes.random(new Random(1), 4096));
        // Nothing was flushed: what arrives without an order is seldom all of it.
        assertThat(disk.afterCut(new Random(5))).isNotEqualTo(disk.everything());
    }
}
