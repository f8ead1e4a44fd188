package io.kahvem.cli.smalllinux;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// The regular files of a tar stream: ustar, with GNU's long names and the path record of pax, which are what dpkg-deb prints.
final class TarReader {
    private static final int BLOCK = 512;
    private static final int MAX_NAME_RECORD = 1 << 20;

    private final InputStream in;
    private long left;
    private long padding;

    TarReader(InputStream in) {
        this.in = in;
    }

    /// The name of the next regular file without a leading `./`, or null at the end.
    @Nullable String next() throws IOException {
        String longName = "";
        while (true) {
            in.skipNBytes(left + padding);
            byte[] header = in.readNBytes(BLOCK);
            if (header.length == 0 || header[0] == 0) {
                in.transferTo(OutputStream.nullOutputStream());
                return null;
            }
            if (header.length < BLOCK) throw new EOFException("a tar header of %d bytes".formatted(header.length));
            left = number(header, 124, 12);
            padding = -left & BLOCK - 1;
            String name = longName.isEmpty() ? headerName(header) : longName;
            switch (header[156]) {
                case 'L' -> longName = text(record(), 0, MAX_NAME_RECORD);
                case 'x' -> longName = paxPath(text(record(), 0, MAX_NAME_RECORD));
                case '0', 0 -> {
                    return name.startsWith("./") ? name.substring(2) : name;
                }
                default -> longName = "";
            }
        }
    }

    /// The content of the file [#next] named; once.
    byte[] content() throws IOException {
        byte[] bytes = in.readNBytes(Math.toIntExact(left));
        if (bytes.length < left) throw new EOFException("a tar stream that ends inside of a file");
        left = 0;
        return bytes;
    }

    private byte[] record() throws IOException {
        if (left > MAX_NAME_RECORD) throw new IOException("a tar name record of %d bytes".formatted(left));
        return content();
    }

    private static String headerName(byte[] header) {
        String name = text(header, 0, 100);
        String prefix = text(header, 345, 155);
        boolean posix = text(header, 257, 6).equals("ustar");
        return posix && !prefix.isEmpty() ? prefix + "/" + name : name;
    }

    /// pax: records of `LENGTH KEY=VALUE\n`, LENGTH counting itself in bytes (names here are ASCII, so characters do).
    private static String paxPath(String records) {
        for (String record : records.split("\n")) {
            int key = record.indexOf(' ') + 1;
            if (record.startsWith("path=", key)) return record.substring(key + 5);
        }
        return "";
    }

    private static String text(byte[] bytes, int offset, int maximum) {
        int end = offset;
        while (end < bytes.length && end < offset + maximum && bytes[end] != 0) end++;
        return new String(bytes, offset, end - offset, StandardCharsets.UTF_8);
    }

    private static long number(byte[] header, int offset, int length) throws IOException {
        String digits = text(header, offset, length).strip();
        try {
            long value = digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
            if (value >= 0) return value;
        } catch (NumberFormatException e) {
            throw new IOException("a tar header with the size \"%s\"".formatted(digits), e);
        }
        throw new IOException("a tar header with the size \"%s\"".formatted(digits));
    }
}
