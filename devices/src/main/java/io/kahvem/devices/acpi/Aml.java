package io.kahvem.devices.acpi;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// Writes ACPI machine language: each method gives the encoding of one term (ACPI 6.4, chapter 20) or one resource descriptor (6.4,
/// section 6.4), and terms nest.
///
/// Names are written as in ASL: `\_SB`, `PCI0`, `^A.B`; short segments are padded with underscores.
final class Aml {
    private static final int NAME_OP = 0x08;
    private static final int STRING_PREFIX = 0x0d;
    private static final int SCOPE_OP = 0x10;
    private static final int BUFFER_OP = 0x11;
    private static final int PACKAGE_OP = 0x12;
    private static final int METHOD_OP = 0x14;
    private static final int DUAL_NAME_PREFIX = 0x2e;
    private static final int MULTI_NAME_PREFIX = 0x2f;
    private static final int EXT_OP_PREFIX = 0x5b;
    private static final int DEVICE_OP = 0x82;

    private static final int PRODUCER_FIXED_RANGE = 0x0c;
    private static final int MEMORY = 0;
    private static final int IO = 1;
    private static final int BUS_NUMBER = 2;
    private static final int READ_WRITE = 0x01;
    private static final int ENTIRE_RANGE = 0x03;
    private static final int DECODE_16 = 0x01;

    private Aml() {}

    static byte[] scope(String name, byte[]... terms) {
        return sized(bytes(SCOPE_OP), nameString(name), join(terms));
    }

    static byte[] device(String name, byte[]... terms) {
        return sized(bytes(EXT_OP_PREFIX, DEVICE_OP), nameString(name), join(terms));
    }

    static byte[] name(String name, byte[] value) {
        return join(bytes(NAME_OP), nameString(name), value);
    }

    /// The shortest encoding of an unsigned integer.
    static byte[] integer(long value) {
        if (value == 0 || value == 1) return bytes((int) value);
        if (value >>> 8 == 0) return join(bytes(0x0a), little(value, 1));
        if (value >>> 16 == 0) return join(bytes(0x0b), little(value, 2));
        if (value >>> 32 == 0) return join(bytes(0x0c), little(value, 4));
        return join(bytes(0x0e), little(value, 8));
    }

    static byte[] string(String text) {
        return join(bytes(STRING_PREFIX), text.getBytes(StandardCharsets.US_ASCII), bytes(0));
    }

    /// A compressed EISA id such as PNP0A03: three letters of five bits, four hexadecimal digits, big-endian.
    static byte[] eisaId(String id) {
        int letters = (id.charAt(0) - '@') << 10 | (id.charAt(1) - '@') << 5 | (id.charAt(2) - '@');
        int packed = letters << 16 | Integer.parseInt(id.substring(3), 16);
        return join(bytes(0x0c), little(Integer.toUnsignedLong(Integer.reverseBytes(packed)), 4));
    }

    static byte[] packageOf(byte[]... elements) {
        return sized(bytes(PACKAGE_OP), bytes(elements.length), join(elements));
    }

    /// The same with its elements joined already.
    static byte[] packageOf(int count, byte[] elements) {
        return sized(bytes(PACKAGE_OP), bytes(count), elements);
    }

    static byte[] buffer(byte[] content) {
        return sized(bytes(BUFFER_OP), integer(content.length), content);
    }

    /// A ResourceTemplate; the end tag's checksum of zero means that there is none.
    static byte[] resources(byte[]... descriptors) {
        return buffer(join(join(descriptors), bytes(0x79, 0)));
    }

    /// Ports of a device, decoded with 16 address bits.
    static byte[] io(int base, int length) {
        return join(bytes(0x47, DECODE_16), little(base, 2), little(base, 2), bytes(1, length));
    }

    /// An ISA interrupt: edge-triggered, active high.
    static byte[] irq(int irq) {
        return join(bytes(0x22), little(1L << irq, 2));
    }

    static byte[] busNumbers(int first, int last) {
        return addressSpace(0x88, 2, BUS_NUMBER, 0, first, last);
    }

    static byte[] ioWindow(int first, int last) {
        return addressSpace(0x88, 2, IO, ENTIRE_RANGE, first, last);
    }

    static byte[] memoryWindow32(long first, long last) {
        return addressSpace(0x87, 4, MEMORY, READ_WRITE, first, last);
    }

    static byte[] memoryWindow64(long first, long last) {
        return addressSpace(0x8a, 8, MEMORY, READ_WRITE, first, last);
    }

    /// A level-triggered, active-low, shared interrupt, one of those given (6.4.3.6).
    static byte[] sharedInterrupt(int... choices) {
        byte[][] numbers = new byte[choices.length][];
        for (int i = 0; i < choices.length; i++) numbers[i] = little(choices[i], 4);
        return join(bytes(0x89), little(2 + 4L * choices.length, 2), bytes(0x0d, choices.length), join(numbers));
    }

    /// Registers of a device at a fixed place in memory.
    static byte[] memory32Fixed(long base, long length) {
        return join(bytes(0x86), little(9, 2), bytes(READ_WRITE), little(base, 4), little(length, 4));
    }

    static byte[] method(String name, int arguments, byte[]... terms) {
        return sized(bytes(METHOD_OP), nameString(name), bytes(arguments), join(terms));
    }

    /// A name, or what it stands for, as a term.
    static byte[] ref(String name) {
        return nameString(name);
    }

    /// Argument 0 to 6 of a method.
    static byte[] arg(int n) {
        return bytes(0x68 + n);
    }

    static byte[] store(byte[] value, byte[] target) {
        return join(bytes(0x70), value, target);
    }

    static byte[] and(byte[] a, byte[] b) {
        return join(bytes(0x7b), a, b, bytes(0));
    }

    static byte[] or(byte[] a, byte[] b) {
        return join(bytes(0x7d), a, b, bytes(0));
    }

    static byte[] equal(byte[] a, byte[] b) {
        return join(bytes(0x93), a, b);
    }

    static byte[] returns(byte[] value) {
        return join(bytes(0xa4), value);
    }

    static byte[] ifThen(byte[] condition, byte[]... terms) {
        return sized(bytes(0xa0), condition, join(terms));
    }

    static byte[] otherwise(byte[]... terms) {
        return sized(bytes(0xa1), join(terms));
    }

    static byte[] createDwordField(byte[] buffer, int at, String name) {
        return join(bytes(0x8a), buffer, integer(at), nameString(name));
    }

    static byte[] notifyDevice(String device, int value) {
        return join(bytes(0x86), nameString(device), integer(value));
    }

    /// Bytes of a device's PCI configuration space.
    static byte[] configRegion(String name, int offset, int length) {
        return join(bytes(EXT_OP_PREFIX, 0x80), nameString(name), bytes(0x02), integer(offset), integer(length));
    }

    /// Byte-wide fields of a region, one behind the other; an empty name skips one.
    static byte[] byteFields(String region, String... names) {
        byte[][] fields = new byte[names.length][];
        for (int i = 0; i < names.length; i++) fields[i] = names[i].isEmpty() ? bytes(0, 8) : join(nameString(names[i]), bytes(8));
        return sized(bytes(EXT_OP_PREFIX, 0x81), nameString(region), bytes(0x01), join(fields)); // ByteAcc, NoLock, Preserve
    }

    /// A UUID as a buffer, in the mixed order of bytes that ToUUID gives.
    static byte[] uuid(String text) {
        String hex = text.replace("-", "");
        int[] order = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
        byte[] value = new byte[order.length];
        for (int i = 0; i < order.length; i++) value[i] = (byte) Integer.parseInt(hex.substring(2 * order[i], 2 * order[i] + 2), 16);
        return buffer(value);
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) all.writeBytes(part);
        return all.toByteArray();
    }

    private static byte[] addressSpace(int tag, int width, int type, int typeFlags, long first, long last) {
        byte[] body = join(
                bytes(type, PRODUCER_FIXED_RANGE, typeFlags),
                little(0, width), // granularity
                little(first, width),
                little(last, width),
                little(0, width), // translation
                little(last - first + 1, width));
        return join(bytes(tag), little(body.length, 2), body);
    }

    /// 20.2.2: the segments of a name, with its root or parent prefix.
    private static byte[] nameString(String name) {
        int prefix = 0;
        while (prefix < name.length() && (name.charAt(prefix) == '\\' || name.charAt(prefix) == '^')) prefix++;
        String[] segments = name.substring(prefix).split("\\.");
        ByteArrayOutputStream encoded = new ByteArrayOutputStream();
        encoded.writeBytes(name.substring(0, prefix).getBytes(StandardCharsets.US_ASCII));
        if (segments.length == 2) {
            encoded.write(DUAL_NAME_PREFIX);
        } else if (segments.length > 2) {
            encoded.write(MULTI_NAME_PREFIX);
            encoded.write(segments.length);
        }
        for (String segment : segments) {
            if (segment.isEmpty() || segment.length() > 4) {
                throw new IllegalArgumentException("an ACPI name segment has 1 to 4 characters: " + name);
            }
            encoded.writeBytes((segment + "_".repeat(4 - segment.length())).getBytes(StandardCharsets.US_ASCII));
        }
        return encoded.toByteArray();
    }

    /// Opcode, PkgLength (20.2.4, which counts itself), content.
    private static byte[] sized(byte[] opcode, byte[]... content) {
        byte[] body = join(content);
        int lengthBytes = 1;
        while (body.length + lengthBytes >= (lengthBytes == 1 ? 1 << 6 : 1 << (8 * lengthBytes - 4))) lengthBytes++;
        int total = body.length + lengthBytes;
        byte[] length = new byte[lengthBytes];
        if (lengthBytes == 1) {
            length[0] = (byte) total;
        } else {
            length[0] = (byte) ((lengthBytes - 1) << 6 | total & 0x0f);
            for (int i = 1; i < lengthBytes; i++) length[i] = (byte) (total >> (8 * i - 4));
        }
        return join(opcode, length, body);
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) bytes[i] = (byte) values[i];
        return bytes;
    }

    private static byte[] little(long value, int width) {
        byte[] bytes = new byte[width];
        for (int i = 0; i < width; i++) bytes[i] = (byte) (value >> (8 * i));
        return bytes;
    }
}
