package io.kahvem.vmm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAOutputStream;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZOutputStream;

class PayloadTest {
    private static final byte[] TEXT = text(140_000);

    @Test
    void gzipIsUnpacked() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(packed)) {
            out.write(TEXT);
        }
        assertThat(unpacked(Payload.GZIP, packed.toByteArray())).isEqualTo(TEXT);
    }

    @Test
    void xzWithTheX86FilterIsUnpacked() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream out = new XZOutputStream(packed, new FilterOptions[] {new X86Options(), new LZMA2Options()})) {
            out.write(TEXT);
        }
        assertThat(unpacked(Payload.XZ, packed.toByteArray())).isEqualTo(TEXT);
    }

    @Test
    void lzmaIsUnpacked() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream out = new LZMAOutputStream(packed, new LZMA2Options(), -1)) {
            out.write(TEXT);
        }
        assertThat(unpacked(Payload.LZMA, packed.toByteArray())).isEqualTo(TEXT);
    }

    @Test
    void lz4BlocksAreUnpackedOneAfterTheOther() throws IOException {
        // "abc", a match 3 back of 9 bytes, then "xyz"; and a block of literals alone.
        byte[] first = {0x35, 'a', 'b', 'c', 3, 0, 0x30, 'x', 'y', 'z'};
        byte[] second = {0x10, '!'};
        assertThat(unpacked(Payload.LZ4, lz4(first, second))).asString(StandardCharsets.US_ASCII).isEqualTo("abcabcabcabcxyz!");
    }

    @Test
    void longLz4LengthsGoOverSeveralBytes() throws IOException {
        byte[] block = new byte[1 + 2 + 300 + 2 + 2 + 2];
        block[0] = (byte) 0xff;
        block[1] = (byte) 255;
        block[2] = 300 - 15 - 255;
        Arrays.fill(block, 3, 303, (byte) 'z');
        block[303] = 1;
        block[305] = (byte) 255;
        block[306] = 1;
        block[307] = 0x10;
        block[308] = 'y';
        byte[] result = unpacked(Payload.LZ4, lz4(block));
        assertThat(result).hasSize(300 + 19 + 256 + 1).endsWith((byte) 'z', (byte) 'y');
    }

    @Test
    void damagedLz4IsToldAndNeverRunsOutOfItsBlock() {
        assertThatThrownBy(() -> unpacked(Payload.LZ4, lz4(new byte[] {0x35, 'a', 'b', 'c', 4, 0}))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> unpacked(Payload.LZ4, lz4(new byte[] {0x35, 'a', 'b', 'c', 0, 0}))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> unpacked(Payload.LZ4, lz4(new byte[] {0x50, 'a'}))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> unpacked(Payload.LZ4, new byte[] {2, 0x21, 0x4c, 0x18, 9, 0, 0, 0, 1})).isInstanceOf(IOException.class);
    }

    @Test
    void zstandardIsUnpackedAsItsOwnToolPackedIt() throws IOException {
        assertThat(unpacked(Payload.ZSTD, resource("text-140000.zst"))).isEqualTo(TEXT);
        assertThat(unpacked(Payload.ZSTD, resource("text-20000.zst"))).isEqualTo(text(20_000));
    }

    @Test
    void aWrongSizeHintDoesNotHurtZstandard() throws IOException {
        byte[] packed = resource("text-140000.zst");
        assertThat(Payload.ZSTD.unpack(new ByteArrayInputStream(packed), 1).readAllBytes()).isEqualTo(TEXT);
        assertThat(Payload.ZSTD.unpack(new ByteArrayInputStream(packed), 0xffff_ffffL).readAllBytes()).isEqualTo(TEXT);
    }

    @Test
    void everyDamagedByteOfZstandardIsFoundByItsChecksumOrSooner() throws IOException {
        byte[] packed = resource("text-140000.zst");
        Random random = new Random(7);
        for (int i = 0; i < 60; i++) {
            byte[] damaged = packed.clone();
            damaged[6 + random.nextInt(packed.length - 6)] ^= (byte) (1 + random.nextInt(255));
            assertThatThrownBy(() -> unpacked(Payload.ZSTD, damaged)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void truncatedZstandardEndsEarly() throws IOException {
        byte[] packed = resource("text-20000.zst");
        for (int length : new int[] {0, 3, 5, 9, 100, packed.length - 1}) {
            assertThatThrownBy(() -> unpacked(Payload.ZSTD, Arrays.copyOf(packed, length))).isInstanceOf(IOException.class);
        }
    }

    @Test
    void aKindIsKnownByItsFirstBytes() throws IOException {
        assertThat(Payload.of(resource("text-20000.zst"))).isEqualTo(Payload.ZSTD);
        assertThat(Payload.of(new byte[] {'B', 'Z', 'h', '9', 0, 0})).isEqualTo(Payload.BZIP2);
        assertThat(Payload.of(new byte[] {0x7f, 'E', 'L', 'F', 2, 1})).isEqualTo(Payload.ELF);
        assertThat(Payload.of(new byte[6])).isEqualTo(Payload.UNKNOWN);
        assertThat(Payload.of(new byte[0])).isEqualTo(Payload.UNKNOWN);
    }

    @Test
    void xxh64IsTheSpecificationsOne() {
        assertThat(new Xxh64().value()).isEqualTo(0xEF46DB3751D8E999L);
        Xxh64 hash = new Xxh64();
        hash.update("abc".getBytes(StandardCharsets.US_ASCII), 0, 3);
        assertThat(hash.value()).isEqualTo(0x44BC2CF5AD770999L);
    }

    private static byte[] unpacked(Payload kind, byte[] packed) throws IOException {
        try (InputStream in = kind.unpack(new ByteArrayInputStream(packed), 0)) {
            return in.readAllBytes();
        }
    }

    /// A legacy frame of these blocks.
    static byte[] lz4(byte[]... blocks) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.writeBytes(new byte[] {2, 0x21, 0x4c, 0x18});
        for (byte[] block : blocks) {
            byte[] size = new byte[4];
            Bytes.put32(size, 0, block.length);
            frame.writeBytes(size);
            frame.writeBytes(block);
        }
        return frame.toByteArray();
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = PayloadTest.class.getResourceAsStream(name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        }
    }

    /// What the packed resources unpack to: words, numbers and noise from a linear congruential generator.
    private static byte[] text(int bytes) {
        String[] words = {"latch", "sector", "ring", "gate", "vector", "page", "fault", "timer", "queue", "kernel", "cache", "port"};
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        long[] x = {12345};
        while (out.size() < bytes) {
            long r = next(x);
            out.writeBytes(words[(int) (r % 12)].getBytes(StandardCharsets.US_ASCII));
            if (r % 7 == 0) out.writeBytes(Long.toString(next(x) % 100_000).getBytes(StandardCharsets.US_ASCII));
            if (r % 97 == 0) for (int i = 0; i < 40; i++) out.write((int) next(x));
            out.write(r % 11 == 0 ? '\n' : ' ');
        }
        return Arrays.copyOf(out.toByteArray(), bytes);
    }

    private static long next(long[] x) {
        x[0] = x[0] * 6364136223846793005L + 1442695040888963407L;
        return x[0] >>> 33;
    }
}
