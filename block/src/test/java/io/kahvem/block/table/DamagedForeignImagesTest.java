package io.kahvem.block.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.kahvem.block.BlockException;
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
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// VHD, VHDX and VMDK images that lie: each is refused or fails by a BlockException; nothing hangs, and nothing takes memory without bound.
class DamagedForeignImagesTest {
    private static final int SIZE = 3 << 20;

    @TempDir
    private Path dir;

    private Path image(String kind) {
        String[] words = kind.split(" ");
        Path image = dir.resolve("image");
        CreateOptions options = new CreateOptions(Formats.named(words[0]));
        if (words.length > 1) options.set(words[1].split("=")[0], words[1].split("=")[1]);
        Images.create(Formats.named(words[0]), image.toString(), SIZE, options);
        try (BlockNode node = Images.open(image.toString(), OpenOptions.writable(words[0]))) {
            Random random = new Random(1);
            for (int n = 0; n < 6; n++) {
                boolean stream = node instanceof CompressingNode packs && packs.needsCompressedWrites();
                if (stream) ((CompressingNode) node).writeCompressed(n << 17, Bytes.of((byte) 1));
                else node.write(random.nextInt(SIZE / 1024) * 512L, Bytes.random(random, 9000));
            }
        }
        return image;
    }

    @ParameterizedTest
    @Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
    @ValueSource(strings = {
        "vpc", "vpc subformat=fixed", "vhdx block_size=1M", "vmdk", "vmdk subformat=twoGbMaxExtentSparse", "vmdk subformat=streamOptimized"
    })
    void fuzzedImagesAreRefusedOrFail(String kind) throws IOException {
        Path image = image(kind);
        String format = kind.split(" ")[0];
        byte[] good = Files.readAllBytes(image);
        int opened = 0;
        for (int seed = 0; seed < 250; seed++) {
            Random random = new Random(seed);
            byte[] bad = damaged(good, random);
            if (random.nextBoolean()) mendChecksums(bad);
            Files.write(image, bad);
            try {
                use(image, format, random);
                opened++;
            } catch (BlockException refused) {
                assertThat(refused.getMessage()).isNotBlank();
            } catch (RuntimeException | OutOfMemoryError bug) {
                fail("%s, seed %d".formatted(kind, seed), bug);
            }
        }
        assertThat(opened).as("some damage does not show").isPositive();
    }

    private static byte[] damaged(byte[] good, Random random) {
        byte[] bad = random.nextInt(8) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
        int changes = 1 + random.nextInt(6);
        int[] headers = {0, 512, 1536, 64 << 10, 192 << 10, 1 << 20, 2 << 20, (2 << 20) + (64 << 10), 3 << 20, good.length - 512};
        for (int n = 0; n < changes && bad.length > 16; n++) {
            int where = Math.min(bad.length - 8, headers[random.nextInt(headers.length)] + random.nextInt(128));
            if (where < 0) continue;
            switch (random.nextInt(4)) {
                case 0 -> bad[where] = (byte) random.nextInt();
                case 1 -> bad[where] ^= (byte) (1 << random.nextInt(8));
                case 2 -> ByteBuffer.wrap(bad).order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN)
                        .putLong(where & -8, random.nextLong() >>> random.nextInt(64));
                default -> ByteBuffer.wrap(bad).order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN)
                        .putInt(where & -4, -1 >>> random.nextInt(32));
            }
        }
        return bad;
    }

    /// So that the damage is not found by its checksum alone.
    private static void mendChecksums(byte[] image) {
        ByteBuffer b = ByteBuffer.wrap(image);
        sum(b, 0, 512, 64);
        sum(b, 512, 1024, 36);
        sum(b, image.length - 512, 512, 64);
        b.order(ByteOrder.LITTLE_ENDIAN);
        crc(b, 64 << 10, 4096);
        crc(b, 128 << 10, 4096);
        crc(b, 192 << 10, 65_536);
        crc(b, 256 << 10, 65_536);
    }

    private static void sum(ByteBuffer b, int at, int length, int where) {
        boolean vhd = at >= 0 && at + length <= b.capacity() && (b.get(at) == 'c');
        if (!vhd) return;
        int sum = 0;
        for (int n = 0; n < length; n++) if (n < where || n >= where + 4) sum += b.get(at + n) & 0xff;
        b.putInt(at + where, ~sum);
    }

    private static void crc(ByteBuffer b, int at, int length) {
        if (at + length > b.capacity()) return;
        if (b.get(at) != 'h' && b.get(at) != 'r') return;
        b.putInt(at + 4, 0);
        CRC32C crc = new CRC32C();
        crc.update(b.array(), at, length);
        b.putInt(at + 4, (int) crc.getValue());
    }

    private static void use(Path image, String format, Random random) {
        boolean writable = random.nextBoolean();
        OpenOptions options = writable ? OpenOptions.writable(format) : OpenOptions.readOnly(format);
        try (BlockNode node = Images.open(image.toString(), options)) {
            if (node instanceof CheckedNode checked && node.sizeBytes() <= 1L << 32) checked.check(Repair.NONE, line -> { });
            for (int n = 0; n < 8; n++) {
                long size = Math.min(node.sizeBytes(), 4 << 20);
                if (size < 1024) return;
                long offset = random.nextLong(size / 512) * 512;
                int length = (int) Math.min(size - offset, 512 * (1 + random.nextInt(100)));
                switch (random.nextInt(writable ? 4 : 2)) {
                    case 0 -> Bytes.read(node, offset, length);
                    case 1 -> node.extentAt(offset, length);
                    case 2 -> node.write(offset, Bytes.random(random, length));
                    default -> node.writeZeroes(offset, length, true);
                }
            }
        }
    }

    @Test
    void tellsWhatIsMissing() throws IOException {
        Path image = image("vmdk subformat=monolithicFlat");
        Files.delete(dir.resolve("image-flat"));
        assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.readOnly(null)))
                .isInstanceOf(BlockException.class).hasMessageContaining("image-flat").hasMessageContaining("No such file or directory");
        Files.writeString(image, "# Disk DescriptorFile\nversion=1\ncreateType=\"somethingElse\"\n");
        assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.readOnly("vmdk")))
                .hasMessageContaining("Unsupported image type 'somethingElse'");
        Files.write(image, new byte[4096]);
        assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.readOnly("vmdk"))).hasMessageContaining("not in VMDK format");
        assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.readOnly("vhdx"))).hasMessageContaining("not in VHDX format");
        assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.readOnly("vpc"))).hasMessageContaining("invalid VPC image");
    }

    @Test
    void aVhdxThatWasNotClosedIsReplayed() throws IOException {
        QemuTools.needed();
        Path image = image("vhdx block_size=1M");
        byte[] expected;
        byte[] crashed;
        try (BlockNode node = Images.open(image.toString(), OpenOptions.writable("vhdx"))) {
            node.write(SIZE - 4096, Bytes.random(new Random(9), 4096));
            node.flush();
            expected = Bytes.read(node, 0, SIZE);
            crashed = Files.readAllBytes(image);
        }
        Arrays.fill(crashed, 3 << 20, (3 << 20) + 4096, (byte) 0); // the change's last step, the table itself, was lost
        Files.write(image, crashed);
        assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.readOnly("vhdx")))
                .hasMessageContaining("contains a log that needs to be replayed");
        Path copy = dir.resolve("copy.vhdx");
        Files.write(copy, crashed);
        try (BlockNode node = Images.open(image.toString(), OpenOptions.writable("vhdx"))) {
            assertThat(Bytes.read(node, 0, SIZE)).isEqualTo(expected);
        }
        Path raw = dir.resolve("out.raw");
        QemuTools.img("check", "-r", "all", "-f", "vhdx", copy);
        QemuTools.img("convert", "-f", "vhdx", "-O", "raw", copy, raw);
        assertThat(Files.readAllBytes(raw)).isEqualTo(expected);
    }
}
