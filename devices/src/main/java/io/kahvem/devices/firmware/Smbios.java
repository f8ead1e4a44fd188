package io.kahvem.devices.firmware;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// The machine's description by SMBIOS 2.8 (DMTF DSP0134), as firmware takes it from fw_cfg: it sets the entry point's address and
/// checksums.
///
/// @param anchor the entry point, etc/smbios/smbios-anchor
/// @param tables the structures, etc/smbios/smbios-tables
public record Smbios(byte[] anchor, byte[] tables) {
    private static final int ANCHOR_BYTES = 31;
    private static final int HANDLE_CHASSIS = 0x300;
    private static final int HANDLE_CPU = 0x400;
    private static final int HANDLE_ARRAY = 0x1000;
    private static final int HANDLE_DEVICE = 0x1100;
    private static final int HANDLE_RANGE = 0x1300;
    private static final int UNKNOWN = 2;
    private static final int OTHER = 1;
    private static final int SAFE = 3;
    private static final int MULTI_BIT_ECC = 6;
    private static final int LARGEST_TOLD_MIB = 0x7fff;

    /// A machine of that many CPUs, each in a socket of its own, and one memory device.
    public static Smbios of(int cpus, long lowBytes, long highBytes) {
        Structures all = new Structures();
        all.add(1, 0x100, system(), "Kahvem", "Kahvem PC (Q35 + ICH9)");
        all.add(3, HANDLE_CHASSIS, chassis(), "Kahvem");
        for (int i = 0; i < cpus; i++) all.add(4, HANDLE_CPU + i, processor(), "CPU %d".formatted(i), "Kahvem");
        long megabytes = lowBytes + highBytes >> 20;
        all.add(16, HANDLE_ARRAY, memoryArray(lowBytes + highBytes));
        all.add(17, HANDLE_DEVICE, memoryDevice(megabytes), "DIMM 0", "Kahvem");
        all.add(19, HANDLE_RANGE, mappedRange(0, lowBytes));
        if (highBytes > 0) all.add(19, HANDLE_RANGE + 1, mappedRange(1L << 32, highBytes));
        all.add(32, 0x2000, new byte[7]); // no errors detected
        all.add(127, 0x7f00, new byte[0]);
        return new Smbios(anchor(all), all.bytes.toByteArray());
    }

    private static byte[] anchor(Structures all) {
        ByteBuffer b = little(ANCHOR_BYTES);
        b.put(ascii("_SM_")).put((byte) 0).put((byte) ANCHOR_BYTES).put((byte) 2).put((byte) 8);
        b.putShort((short) all.largest).put((byte) 0).put(new byte[5]);
        b.put(ascii("_DMI_")).put((byte) 0).putShort((short) all.bytes.size()).putInt(0).putShort((short) all.count).put((byte) 0x28);
        return b.array();
    }

    /// 7.2: manufacturer, product; the UUID of zeros says that there is none; woken by the power switch.
    private static byte[] system() {
        return little(23).put((byte) 1).put((byte) 2).put(20, (byte) 6).array();
    }

    /// 7.4: a box of no special kind, its states safe.
    private static byte[] chassis() {
        ByteBuffer b = little(18);
        b.put((byte) 1).put((byte) OTHER).put(5, (byte) SAFE).put(6, (byte) SAFE).put(7, (byte) SAFE).put(8, (byte) UNKNOWN);
        return b.array();
    }

    /// 7.5: a central processor, enabled, in a socket.
    private static byte[] processor() {
        ByteBuffer b = little(38);
        b.put(0, (byte) 1).put(1, (byte) 3).put(2, (byte) OTHER).put(3, (byte) 2);
        b.put(20, (byte) 0x41).put(21, (byte) OTHER);
        b.putShort(22, (short) 0xffff).putShort(24, (short) 0xffff).putShort(26, (short) 0xffff); // no caches told of
        b.put(31, (byte) 1).put(32, (byte) 1).put(33, (byte) 1).putShort(34, (short) UNKNOWN);
        return b.array();
    }

    /// 7.17: system memory on the board.
    private static byte[] memoryArray(long bytes) {
        ByteBuffer b = little(19);
        b.put((byte) OTHER).put((byte) 3).put((byte) MULTI_BIT_ECC);
        b.putInt(0x8000_0000).putShort((short) 0xfffe).putShort((short) 1).putLong(bytes);
        return b.array();
    }

    /// 7.18.
    private static byte[] memoryDevice(long megabytes) {
        ByteBuffer b = little(36);
        b.putShort((short) HANDLE_ARRAY).putShort((short) 0xfffe).putShort((short) 0xffff).putShort((short) 0xffff);
        b.putShort((short) Math.min(megabytes, LARGEST_TOLD_MIB)).put((byte) 9).put((byte) 0).put((byte) 1).put((byte) 0);
        b.put((byte) 7).putShort((short) 2).putShort((short) 0).put((byte) 2);
        if (megabytes >= LARGEST_TOLD_MIB) b.putInt(24, (int) megabytes);
        return b.array();
    }

    /// 7.20, in kilobytes.
    private static byte[] mappedRange(long start, long bytes) {
        ByteBuffer b = little(27);
        b.putInt(-1).putInt(-1).putShort((short) HANDLE_ARRAY).put((byte) 1).putLong(start).putLong(start + bytes - 1);
        return b.array();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static final class Structures {
        private static final int HEADER_BYTES = 4;

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private int largest;
        private int count;

        void add(int type, int handle, byte[] body, String... strings) {
            int before = bytes.size();
            ByteBuffer header = little(HEADER_BYTES).put((byte) type).put((byte) (HEADER_BYTES + body.length)).putShort((short) handle);
            bytes.writeBytes(header.array());
            bytes.writeBytes(body);
            for (String string : strings) bytes.writeBytes(ascii(string + "\0"));
            bytes.writeBytes(new byte[strings.length == 0 ? 2 : 1]);
            largest = Math.max(largest, bytes.size() - before);
            count++;
        }
    }
}
