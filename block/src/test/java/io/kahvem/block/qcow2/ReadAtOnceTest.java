package io.kahvem.block.qcow2;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import io.kahvem.block.IoVector;
import io.kahvem.block.OpenOptions;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is read at once is what a read that may wait finds.
class ReadAtOnceTest {
    private static final int SIZE = 4 << 20;
    private static final int CLUSTER = 65536;

    @TempDir
    private Path dir;

    @Test
    void theClustersOfAChainAreReadAtOnceAsTheyAreReadElse() {
        String base = create("base.qcow2", null);
        try (BlockNode node = Images.open(base, OpenOptions.writable("qcow2"))) {
            node.write(0, Bytes.random(new Random(1), SIZE / 2));
        }
        String top = create("top.qcow2", base);
        try (BlockNode node = Images.open(top, OpenOptions.writable("qcow2"))) {
            node.write(CLUSTER, Bytes.random(new Random(2), 3 * CLUSTER));
            node.writeZeroes(8 * CLUSTER, 2 * CLUSTER, true);
            ((CompressingNode) node).writeCompressed(20 * CLUSTER, Bytes.zeros(CLUSTER));
            Bytes.read(node, 0, SIZE); // the tables are in memory from here on
            assumeTrue(readAtOnce(node, CLUSTER, 4096) != null, "this host reads at once");
            assertThat(readAtOnce(node, 8 * CLUSTER + 512, 4096)).as("zeros").isEqualTo(new byte[4096]);
            assertThat(readAtOnce(node, SIZE - CLUSTER, 4096)).as("of neither layer").isEqualTo(new byte[4096]);
            assertThat(readAtOnce(node, 16 * CLUSTER, 4096)).as("of the layer below").isEqualTo(Bytes.read(node, 16 * CLUSTER, 4096));
            assertThat(readAtOnce(node, 20 * CLUSTER, 4096)).as("compressed").isNull();
            Random random = new Random(4);
            for (int n = 0; n < 500; n++) {
                int length = 512 * (1 + random.nextInt(128));
                int offset = 512 * random.nextInt((SIZE - length) / 512 + 1);
                byte[] found = readAtOnce(node, offset, length);
                if (found != null) assertThat(found).as("%d+%d", offset, length).isEqualTo(Bytes.read(node, offset, length));
            }
        }
    }

    private String create(String name, @Nullable String backing) {
        CreateOptions options = new CreateOptions(Formats.named("qcow2"));
        if (backing != null) options.set("backing_file", backing);
        if (backing != null) options.set("backing_fmt", "qcow2");
        String file = dir.resolve(name).toString();
        Images.create(Formats.named("qcow2"), file, SIZE, options);
        return file;
    }

    /// Into two ranges; null where it could not.
    private static byte @Nullable [] readAtOnce(BlockNode node, long offset, int length) {
        MemorySegment memory = Bytes.random(new Random(5), length + 512);
        IoVector ranges = new IoVector();
        ranges.add(memory.address() + 512 + length / 2, length - length / 2);
        ranges.add(memory.address(), length / 2);
        if (!node.readAtOnce(offset, ranges)) return null;
        byte[] found = new byte[length];
        int firstBytes = length - length / 2;
        MemorySegment.copy(memory, JAVA_BYTE, 512 + length / 2, found, 0, firstBytes);
        MemorySegment.copy(memory, JAVA_BYTE, 0, found, firstBytes, length / 2);
        return found;
    }
}
