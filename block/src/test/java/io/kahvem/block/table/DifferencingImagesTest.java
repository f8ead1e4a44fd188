package io.kahvem.block.table;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Extent;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.table.DifferencingImages.Block;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Differencing VHD and VHDX images against a model of what they show; those that lie are refused.
class DifferencingImagesTest {
    private static final int SIZE = 5 << 20;
    private static final int SECTOR = DifferencingImages.SECTOR;

    @TempDir
    private Path dir;

    /// What the disk shows, as far as the images that are made go.
    private byte[] model = new byte[SIZE];

    private Path parent(String format, String... options) {
        Path image = dir.resolve("parent." + format);
        CreateOptions all = new CreateOptions(Formats.named(format));
        for (String option : options) all.set(option.split("=")[0], option.split("=")[1]);
        Images.create(Formats.named(format), image.toString(), SIZE, all);
        try (BlockNode node = Images.open(image.toString(), OpenOptions.writable(format))) {
            Random random = new Random(SIZE);
            for (int n = 0; n < 20; n++) {
                int offset = random.nextInt(SIZE / SECTOR - 100) * SECTOR;
                byte[] data = Bytes.random(random, 100 * SECTOR).toArray(JAVA_BYTE);
                node.write(offset, Bytes.of(data));
                System.arraycopy(data, 0, model, offset, data.length);
            }
        }
        return image;
    }

    /// Blocks of a child at random, and what they do to the model.
    private Map<Integer, Block> blocks(int blockBytes, Random random, boolean mayBeFull) {
        Map<Integer, Block> blocks = new HashMap<>();
        for (int block = 0; block < (SIZE + blockBytes - 1) / blockBytes; block++) {
            if (random.nextInt(3) == 0) continue;
            boolean full = mayBeFull && random.nextInt(3) == 0;
            byte[] data = new byte[blockBytes];
            random.nextBytes(data);
            boolean[] here = new boolean[full ? 0 : blockBytes / SECTOR];
            boolean now = random.nextBoolean();
            for (int n = 0; n < here.length; n++) {
                if (random.nextInt(20) == 0) now = !now;
                here[n] = now;
            }
            for (int n = 0; n < blockBytes / SECTOR; n++) {
                int at = block * blockBytes + n * SECTOR;
                if (at < SIZE && (full || here[n])) System.arraycopy(data, n * SECTOR, model, at, SECTOR);
            }
            blocks.put(block, new Block(data, here));
        }
        return blocks;
    }

    private void readsAsTheModel(Path image, String format, int layers) {
        try (BlockNode node = Images.open(image.toString(), OpenOptions.readOnly(format))) {
            assertThat(node.sizeBytes()).isEqualTo(SIZE);
            assertThat(Bytes.read(node, 0, SIZE)).isEqualTo(model);
            int depth = 1;
            for (BlockNode below = node.backing(); below != null; below = below.backing()) depth++;
            assertThat(depth).isEqualTo(layers);
            Random random = new Random(2);
            for (int n = 0; n < 50; n++) {
                int at = random.nextInt(SIZE - 3000);
                int length = 1 + random.nextInt(3000);
                assertThat(Bytes.read(node, at, length)).isEqualTo(Arrays.copyOfRange(model, at, at + length));
            }
            for (long at = 0; at < SIZE; ) {
                Extent extent = node.extentAt(at, SIZE - at);
                if (extent.fileOffset() >= 0) {
                    byte[] there = Bytes.read(node.children().getFirst(), extent.fileOffset(), (int) extent.length());
                    assertThat(there).isEqualTo(Arrays.copyOfRange(model, (int) at, (int) (at + extent.length())));
                }
                at += extent.length();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"subformat=dynamic", "subformat=fixed"})
    void aVhdShowsItsParentsSectorsWhereItHasNone(String subformat) throws IOException {
        Path parent = parent("vpc", subformat, "force_size=on");
        UUID id = UUID.randomUUID();
        Path child = dir.resolve("child.vhd");
        Files.write(child, DifferencingImages.vhd(SIZE, 2 << 20, id, DifferencingImages.idOfVhd(parent), ".\\parent.vpc",
                "C:\\disks\\parent.vpc", blocks(2 << 20, new Random(3), false)));
        readsAsTheModel(child, "vpc", 2);
        Path grandchild = Files.createDirectory(dir.resolve("below")).resolve("grandchild.vhd");
        Files.write(grandchild, DifferencingImages.vhd(SIZE, 64 << 10, UUID.randomUUID(), id, "..\\child.vhd", "C:\\disks\\child.vhd",
                blocks(64 << 10, new Random(4), false)));
        readsAsTheModel(grandchild, "vpc", 3);
    }

    @Test
    void aVhdWhoseParentIsKnownByItsPathInWindowsIsLookedForBesideIt() throws IOException {
        Path parent = parent("vpc", "force_size=on");
        Path child = dir.resolve("child.vhd");
        Files.write(child, DifferencingImages.vhd(SIZE, 2 << 20, UUID.randomUUID(), DifferencingImages.idOfVhd(parent),
                "..\\elsewhere\\parent.vpc", "C:\\disks\\parent.vpc", blocks(2 << 20, new Random(5), false)));
        readsAsTheModel(child, "vpc", 2);
    }

    private static Map<String, String> locator(String linkage, String relative) {
        return Map.of("parent_linkage", linkage, "relative_path", relative, "absolute_win32_path", "\\\\?\\C:\\disks\\p.vhdx");
    }

    @Test
    void aVhdxShowsItsParentsSectorsWhereItHasNone() throws IOException {
        Path parent = parent("vhdx", "block_size=2M");
        Path child = dir.resolve("child.vhdx");
        DifferencingImages.vhdx(child, SIZE, locator(DifferencingImages.idOfVhdx(parent), ".\\parent.vhdx"),
                blocks(1 << 20, new Random(6), true));
        readsAsTheModel(child, "vhdx", 2);
        Path grandchild = dir.resolve("grandchild.vhdx");
        DifferencingImages.vhdx(grandchild, SIZE, locator(DifferencingImages.idOfVhdx(child), "child.vhdx"),
                blocks(1 << 20, new Random(7), true));
        readsAsTheModel(grandchild, "vhdx", 3);
    }

    @Test
    void theSectorMapOfAVhdxsSecondChunkIsBehindItsBlocks() throws IOException {
        long size = 4098L << 20;
        Path parent = dir.resolve("parent.vhdx");
        Images.create(Formats.named("vhdx"), parent.toString(), size, new CreateOptions(Formats.named("vhdx")));
        byte[] data = new byte[1 << 20];
        new Random(8).nextBytes(data);
        boolean[] here = new boolean[2048];
        Arrays.fill(here, 5, 9, true);
        Path child = dir.resolve("child.vhdx");
        DifferencingImages.vhdx(child, size, locator(DifferencingImages.idOfVhdx(parent), "parent.vhdx"),
                Map.of(4097, new Block(data, here)));
        byte[] expected = new byte[16 * SECTOR];
        System.arraycopy(data, 5 * SECTOR, expected, 5 * SECTOR, 4 * SECTOR);
        try (BlockNode node = Images.open(child.toString(), OpenOptions.readOnly(null))) {
            assertThat(Bytes.read(node, 4097L << 20, expected.length)).isEqualTo(expected);
        }
    }

    @Test
    void aParentThatIsAnotherDiskOrWasWrittenSinceIsRefused() throws IOException {
        Path parent = parent("vpc", "force_size=on");
        Path child = dir.resolve("child.vhd");
        Files.write(child, DifferencingImages.vhd(SIZE, 2 << 20, UUID.randomUUID(), UUID.randomUUID(), "parent.vpc", "", Map.of()));
        refused(child, "is another disk, or has been written since");
        Files.delete(parent);
        refused(child, "parent.vpc': No such file or directory");

        Path below = parent("vhdx");
        Path over = dir.resolve("over.vhdx");
        DifferencingImages.vhdx(over, SIZE, locator(DifferencingImages.idOfVhdx(below), "parent.vhdx"), Map.of());
        try (BlockNode node = Images.open(over.toString(), OpenOptions.readOnly(null))) {
            assertThat(Bytes.read(node, 0, SECTOR)).hasSize(SECTOR);
        }
        try (BlockNode node = Images.open(below.toString(), OpenOptions.writable("vhdx"))) {
            node.write(0, Bytes.of((byte) 1));
        }
        refused(over, "is another disk, or has been written since");
        assertThatThrownBy(() -> Images.open(over.toString(), OpenOptions.writable(null))).isInstanceOf(BlockException.class)
                .hasMessageContaining("a differencing disk is read alone").hasMessageContaining("kahvem image create -f qcow2 -b");
    }

    private static void refused(Path image, String why) {
        assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.readOnly(null)).close())
                .isInstanceOf(BlockException.class).hasMessageContaining(why);
    }

    @Test
    void whatTheyRecordOfTheirParentsIsCheckedFirst() throws IOException {
        Path vhd = dir.resolve("child.vhd");
        byte[] good = DifferencingImages.vhd(SIZE, 2 << 20, UUID.randomUUID(), UUID.randomUUID(), "parent.vpc", "", Map.of());
        ByteBuffer bad = ByteBuffer.wrap(good.clone()).putLong(512 + 600 + 16, good.length);
        DifferencingImages.sum(bad, 512, 1024, 36);
        Files.write(vhd, bad.array());
        refused(vhd, "VHD parent locator at %d".formatted(good.length));

        Path vhdx = dir.resolve("child.vhdx");
        DifferencingImages.vhdx(vhdx, SIZE, Map.of("relative_path", "p.vhdx"), Map.of());
        refused(vhdx, "VHDX parent linkage ''");
        DifferencingImages.vhdx(vhdx, SIZE, Map.of("parent_linkage", "{" + UUID.randomUUID() + "}"), Map.of());
        refused(vhdx, "names no parent");
        byte[] image = Files.readAllBytes(vhdx);
        image[(2 << 20) + (128 << 10)]++;
        Files.write(vhdx, image);
        refused(vhdx, "parent locator of the unknown type");
    }

    @Test
    void aVhdxBlockThatIsThereInPartNeedsItsSectorMap() throws IOException {
        Path parent = parent("vhdx");
        Path child = dir.resolve("child.vhdx");
        DifferencingImages.vhdx(child, SIZE, locator(DifferencingImages.idOfVhdx(parent), "parent.vhdx"),
                Map.of(0, new Block(new byte[1 << 20], new boolean[2048])));
        byte[] image = Files.readAllBytes(child);
        image[(3 << 20) + 8 * 4096] = 0;
        Files.write(child, image);
        try (BlockNode node = Images.open(child.toString(), OpenOptions.readOnly(null))) {
            assertThatThrownBy(() -> Bytes.read(node, 0, SECTOR)).hasMessageContaining("its sector map is not in the file");
            assertThat(Bytes.read(node, 1 << 20, SECTOR)).isEqualTo(Arrays.copyOfRange(model, 1 << 20, (1 << 20) + SECTOR));
        }
    }

    @ParameterizedTest
    @Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
    @ValueSource(strings = {"vpc", "vhdx"})
    void fuzzedImagesAreRefusedOrFail(String format) throws IOException {
        Path parent = parent(format);
        Path child = dir.resolve("child");
        boolean vhd = format.equals("vpc");
        if (vhd) {
            Files.write(child, DifferencingImages.vhd(SIZE, 2 << 20, UUID.randomUUID(), DifferencingImages.idOfVhd(parent),
                    "parent.vpc", "", blocks(2 << 20, new Random(9), false)));
        } else {
            DifferencingImages.vhdx(child, SIZE, locator(DifferencingImages.idOfVhdx(parent), "parent.vhdx"),
                    blocks(1 << 20, new Random(9), true));
        }
        int[] places = vhd ? new int[] {0, 512, 1024, 1088, 1536, 2560, 3072}
                : new int[] {2 << 20, (2 << 20) + 128, (2 << 20) + (64 << 10), (2 << 20) + (128 << 10), 3 << 20, (3 << 20) + 8 * 4096};
        byte[] good = Files.readAllBytes(child);
        int opened = 0;
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            byte[] bad = random.nextInt(8) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
            for (int n = 0; n < 1 + random.nextInt(4); n++) {
                int at = places[random.nextInt(places.length)] + random.nextInt(128);
                if (at < bad.length) bad[at] = (byte) (random.nextBoolean() ? random.nextInt() : bad[at] ^ 1 << random.nextInt(8));
            }
            if (vhd && bad.length > 2048) DifferencingImages.sum(ByteBuffer.wrap(bad), 0, 512, 64);
            if (vhd && bad.length > 2048) DifferencingImages.sum(ByteBuffer.wrap(bad), 512, 1024, 36);
            Files.write(child, bad);
            try (BlockNode node = Images.open(child.toString(), OpenOptions.readOnly(format))) {
                opened++;
                int length = (int) Math.min(node.sizeBytes(), SIZE);
                if (length == 0) continue;
                node.extentAt(random.nextInt(length), 1);
                Bytes.read(node, 0, length);
            } catch (BlockException refused) {
                assertThat(refused.getMessage()).isNotBlank();
            } catch (RuntimeException | OutOfMemoryError bug) {
                fail("%s, seed %d".formatted(format, seed), bug);
            }
        }
        assertThat(opened).as("some damage does not show").isPositive();
    }
}
