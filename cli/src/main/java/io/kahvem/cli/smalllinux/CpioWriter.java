package io.kahvem.cli.smalllinux;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/// A cpio archive in the new ASCII format, as the kernel's initramfs wants it (its buffer-format document): everything belongs to
/// root and dates from 1970, so the same input gives the same bytes. Parents come before what is in them.
final class CpioWriter implements AutoCloseable {
    private static final String MAGIC = "070701";
    private static final String TRAILER = "TRAILER!!!";
    private static final int S_IFCHR = 0020000;
    private static final int S_IFDIR = 0040000;
    private static final int S_IFREG = 0100000;
    private static final int S_IFLNK = 0120000;

    private final OutputStream out;
    private long position;
    private int inode;

    CpioWriter(OutputStream out) {
        this.out = out;
    }

    void directory(String name) throws IOException {
        entry(name, S_IFDIR | 0755, 2, 0, 0, new byte[0]);
    }

    void file(String name, int permissions, byte[] content) throws IOException {
        entry(name, S_IFREG | permissions, 1, 0, 0, content);
    }

    void file(String name, int permissions, String content) throws IOException {
        file(name, permissions, content.getBytes(StandardCharsets.UTF_8));
    }

    void link(String name, String target) throws IOException {
        entry(name, S_IFLNK | 0777, 1, 0, 0, target.getBytes(StandardCharsets.UTF_8));
    }

    void characterDevice(String name, int permissions, int major, int minor) throws IOException {
        entry(name, S_IFCHR | permissions, 1, major, minor, new byte[0]);
    }

    /// Writes the trailer; the stream stays open.
    @Override
    public void close() throws IOException {
        inode = -1;
        entry(TRAILER, 0, 1, 0, 0, new byte[0]);
        out.flush();
    }

    private void entry(String name, int mode, int links, int major, int minor, byte[] content) throws IOException {
        byte[] nameBytes = (name + "\0").getBytes(StandardCharsets.UTF_8);
        // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
        int[] fields = {++inode, mode, 0, 0, links, 0, content.length, 0, 0, major, minor, nameBytes.length, 0};
        StringBuilder header = new StringBuilder(MAGIC);
        for (int field : fields) header.append("%08X".formatted(field));
        write(header.toString().getBytes(StandardCharsets.US_ASCII));
        write(nameBytes);
        pad();
        write(content);
        pad();
    }

    private void write(byte[] bytes) throws IOException {
        out.write(bytes);
        position += bytes.length;
    }

    private void pad() throws IOException {
        write(new byte[(int) (-position & 3)]);
    }
}
