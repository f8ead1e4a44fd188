package io.kahvem.vmm.control;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.kahvem.devices.vga.Picture;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/// Pictures as files: a portable pixmap (netpbm's ppm(5), P6), and PNG (RFC 2083) without a filter.
final class PictureFile {
    private static final byte[] PNG_SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final byte EIGHT_BITS = 8;
    private static final byte RGB = 2;

    private PictureFile() {}

    static byte[] ppm(Picture picture) {
        byte[] head = "P6\n%d %d\n255\n".formatted(picture.width(), picture.height()).getBytes(US_ASCII);
        ByteBuffer file = ByteBuffer.allocate(head.length + 3 * picture.pixels().length).put(head);
        for (int pixel : picture.pixels()) put(file, pixel);
        return file.array();
    }

    static byte[] png(Picture picture) {
        ByteBuffer lines = ByteBuffer.allocate((1 + 3 * picture.width()) * picture.height());
        for (int y = 0; y < picture.height(); y++) {
            lines.put((byte) 0); // the filter: none
            for (int x = 0; x < picture.width(); x++) put(lines, picture.pixels()[y * picture.width() + x]);
        }
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(PNG_SIGNATURE);
        byte[] head = ByteBuffer.allocate(13).putInt(picture.width()).putInt(picture.height()).put(EIGHT_BITS).put(RGB).array();
        chunk(file, "IHDR", head, head.length);
        byte[] packed = new byte[lines.capacity() + lines.capacity() / 1000 + 64];
        try (Deflater deflater = new Deflater()) {
            deflater.setInput(lines.array());
            deflater.finish();
            chunk(file, "IDAT", packed, deflater.deflate(packed));
        }
        chunk(file, "IEND", packed, 0);
        return file.toByteArray();
    }

    private static void put(ByteBuffer file, int pixel) {
        file.put((byte) (pixel >> 16)).put((byte) (pixel >> 8)).put((byte) pixel);
    }

    private static void chunk(ByteArrayOutputStream file, String type, byte[] data, int length) {
        byte[] name = type.getBytes(US_ASCII);
        CRC32 crc = new CRC32();
        crc.update(name);
        crc.update(data, 0, length);
        file.writeBytes(ByteBuffer.allocate(4).putInt(length).array());
        file.writeBytes(name);
        file.write(data, 0, length);
        file.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }
}
