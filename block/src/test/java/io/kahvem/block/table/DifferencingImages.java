package io.kahvem.block.table;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;

import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/// Differencing images, written by the specifications' words, for tests: no program here makes them.
final class DifferencingImages {
    static final int SECTOR = 512;
    private static final int MEGABYTE = 1 << 20;

    /// What a child has of one block.
    ///
    /// @param here whether it has a sector; of length 0 for a VHDX block that is there in full
    record Block(byte[] data, boolean[] here) {}

    private DifferencingImages() {}

    /// A differencing VHD. `blocks` has what the child has; the parent has the others.
    static byte[] vhd(long size, int blockBytes, UUID id, UUID parentId, String relative, String absolute, Map<Integer, Block> blocks) {
        int entries = (int) ((size + blockBytes - 1) / blockBytes);
        int mapBytes = (blockBytes / SECTOR / 8 + 511) / 512 * 512;
        int tableAt = 2560;
        int dataAt = tableAt + (4 * entries + 511) / 512 * 512;
        ByteBuffer b = ByteBuffer.allocate(dataAt + blocks.size() * (mapBytes + blockBytes) + 512);
        byte[] footer = vhdFooter(size, id);
        b.put(0, footer).put(b.capacity() - 512, footer);
        b.put(512, "cxsparse".getBytes(US_ASCII)).putLong(520, -1).putLong(528, tableAt).putInt(536, 0x1_0000);
        b.putInt(540, entries).putInt(544, blockBytes);
        b.putLong(512 + 40, parentId.getMostSignificantBits()).putLong(512 + 48, parentId.getLeastSignificantBits());
        b.put(512 + 64, "parent.vhd".getBytes(UTF_16BE));
        locator(b, 512 + 576, 0x5732_6b75, 2048, absolute);
        locator(b, 512 + 600, 0x5732_7275, 1536, relative);
        sum(b, 512, 1024, 36);
        for (int n = 0; n < entries; n++) b.putInt(tableAt + 4 * n, -1);
        int at = dataAt;
        for (Map.Entry<Integer, Block> entry : blocks.entrySet()) {
            b.putInt(tableAt + 4 * entry.getKey(), at / 512);
            boolean[] here = entry.getValue().here;
            for (int n = 0; n < here.length; n++) if (here[n]) b.put(at + n / 8, (byte) (b.get(at + n / 8) | 0x80 >> n % 8));
            b.put(at + mapBytes, entry.getValue().data);
            at += mapBytes + blockBytes;
        }
        return b.array();
    }

    private static void locator(ByteBuffer b, int at, int code, int place, String path) {
        byte[] text = path.getBytes(UTF_16LE);
        b.putInt(at, code).putInt(at + 4, 512).putInt(at + 8, text.length).putLong(at + 16, place).put(place, text);
    }

    private static byte[] vhdFooter(long size, UUID id) {
        ByteBuffer b = ByteBuffer.allocate(512);
        b.put(0, "conectix".getBytes(US_ASCII)).putInt(8, 2).putInt(12, 0x1_0000).putLong(16, 512);
        b.put(28, "win ".getBytes(US_ASCII)).putInt(32, 0x6_0001).putInt(36, 0x5769_326b);
        b.putLong(40, size).putLong(48, size).putInt(60, 4);
        b.putLong(68, id.getMostSignificantBits()).putLong(76, id.getLeastSignificantBits());
        sum(b, 0, 512, 64);
        return b.array();
    }

    static void sum(ByteBuffer b, int at, int length, int where) {
        int sum = 0;
        for (int n = 0; n < length; n++) if (n < where || n >= where + 4) sum += b.get(at + n) & 0xff;
        b.putInt(at + where, ~sum);
    }

    /// The id of a VHD, from its last sector.
    static UUID idOfVhd(Path image) throws IOException {
        try (FileChannel file = FileChannel.open(image)) {
            ByteBuffer b = ByteBuffer.allocate(512);
            file.read(b, file.size() - 512);
            return new UUID(b.getLong(68), b.getLong(76));
        }
    }

    /// DataWriteGuid of the newer header, as Windows writes it.
    static String idOfVhdx(Path image) throws IOException {
        try (FileChannel file = FileChannel.open(image)) {
            ByteBuffer first = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
            ByteBuffer second = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
            file.read(first, 64 << 10);
            file.read(second, 128 << 10);
            ByteBuffer b = first.getLong(8) > second.getLong(8) ? first : second;
            return "{%08x-%04x-%04x-%04x-%04x%08x}".formatted(b.getInt(32), b.getShort(36), b.getShort(38),
                    Short.reverseBytes(b.getShort(40)), Short.reverseBytes(b.getShort(42)), Integer.reverseBytes(b.getInt(44)));
        }
    }

    /// Makes a differencing VHDX with blocks of 1 MiB and sectors of 512 bytes. `locator` has its parent locator's keys and values.
    static void vhdx(Path image, long size, Map<String, String> locator, Map<Integer, Block> blocks) throws IOException {
        CreateOptions options = new CreateOptions(Formats.named("vhdx")).set("block_size", "1M").set("block_state_zero", "off");
        Images.create(Formats.named("vhdx"), image.toString(), size, options);
        int metadata = 2 * MEGABYTE;
        int table = 3 * MEGABYTE;
        int chunk = 4096;
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            put(file, metadata + (64 << 10) + 4, little(4).putInt(0, 2));
            byte[] item = locator(locator);
            put(file, metadata + 10, little(2).putShort(0, (short) 6));
            ByteBuffer entry = little(32).putInt(0, 0xa8d3_5f2d).putShort(4, (short) 0xb30b).putShort(6, (short) 0x454d);
            entry.putLong(8, Long.reverseBytes(0xabf7_d3d8_4834_ab0cL)).putInt(16, 128 << 10).putInt(20, item.length).putInt(24, 4);
            put(file, metadata + 32 + 5 * 32, entry);
            put(file, metadata + (128 << 10), ByteBuffer.wrap(item));
            long end = 5L * MEGABYTE; // BAT of one chunk and a second one's beginning in the first megabyte, and one to spare
            Map<Integer, Long> maps = new HashMap<>();
            for (Map.Entry<Integer, Block> each : blocks.entrySet()) {
                int block = each.getKey();
                boolean[] here = each.getValue().here;
                put(file, table + 8L * (block + block / chunk), little(8).putLong(0, end | (here.length == 0 ? 6 : 7)));
                put(file, end, ByteBuffer.wrap(each.getValue().data));
                end += MEGABYTE;
                if (here.length == 0) continue;
                long map = maps.getOrDefault(block / chunk, end);
                if (map == end) {
                    maps.put(block / chunk, map);
                    put(file, table + 8L * ((block / chunk + 1) * (chunk + 1) - 1), little(8).putLong(0, end | 6));
                    put(file, end, ByteBuffer.allocate(MEGABYTE));
                    end += MEGABYTE;
                }
                byte[] bits = new byte[256];
                for (int n = 0; n < here.length; n++) if (here[n]) bits[n / 8] |= (byte) (1 << n % 8);
                put(file, map + block % chunk * 256L, ByteBuffer.wrap(bits));
            }
        }
    }

    private static byte[] locator(Map<String, String> values) {
        ByteBuffer b = little(4096).putInt(0, 0xb04a_efb7).putShort(4, (short) 0xd19e).putShort(6, (short) 0x4a81);
        b.putLong(8, Long.reverseBytes(0xb789_25b8_e944_5913L)).putShort(18, (short) values.size());
        int entry = 20;
        int text = 1024;
        for (Map.Entry<String, String> pair : values.entrySet()) {
            byte[] key = pair.getKey().getBytes(UTF_16LE);
            byte[] value = pair.getValue().getBytes(UTF_16LE);
            b.putInt(entry, text).putInt(entry + 4, text + key.length);
            b.putShort(entry + 8, (short) key.length).putShort(entry + 10, (short) value.length);
            b.put(text, key).put(text + key.length, value);
            entry += 12;
            text += key.length + value.length;
        }
        return b.array();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void put(FileChannel file, long at, ByteBuffer bytes) throws IOException {
        file.write(bytes, at);
    }
}
