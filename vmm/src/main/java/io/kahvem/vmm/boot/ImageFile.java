package io.kahvem.vmm.boot;

import java.io.BufferedInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/// A file to boot from, held open as long as the machine lives, so that a reset finds it even where paths cannot be opened any more.
/// Not a FileChannel: an interrupt would close it. Any thread.
final class ImageFile implements AutoCloseable {
    private final String name;
    private final RandomAccessFile file;
    private final long size;

    private ImageFile(String name, RandomAccessFile file, long size) {
        this.name = name;
        this.file = file;
        this.size = size;
    }

    /// `role` is what the file is to the machine: `kernel`, `initrd`, `module`.
    static ImageFile open(String role, Path path) {
        String name = role + " " + path;
        if (!Files.exists(path)) throw new BootException(name + ": there is no such file");
        if (!Files.isRegularFile(path)) throw new BootException(name + ": is not a regular file");
        if (!Files.isReadable(path)) throw new BootException(name + ": no permission to read it; try: sudo chmod a+r " + path);
        try {
            RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
            return new ImageFile(name, file, file.length());
        } catch (FileNotFoundException e) {
            throw new BootException(name + ": cannot be opened: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new BootException(name + ": cannot be read: " + e.getMessage(), e);
        }
    }

    long size() {
        return size;
    }

    /// Bytes from `position` on, as many as there are up to `bytes`.
    byte[] readUpTo(long position, int bytes) {
        byte[] result = new byte[(int) Math.max(0, Math.min(bytes, size - position))];
        read(position, result, 0, result.length);
        return result;
    }

    synchronized void read(long position, byte[] to, int offset, int bytes) {
        try {
            file.seek(position);
            file.readFully(to, offset, bytes);
        } catch (IOException e) {
            throw bad("cannot be read: " + (e.getMessage() == null ? "it became shorter" : e.getMessage()));
        }
    }

    InputStream stream(long position, long bytes) {
        return new BufferedInputStream(new Range(position, Math.min(bytes, size - position)), 1 << 16);
    }

    BootException bad(String message) {
        return new BootException(name + ": " + message);
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            throw bad("cannot be closed: " + e.getMessage());
        }
    }

    @Override
    public String toString() {
        return name;
    }

    private final class Range extends InputStream {
        private long position;
        private final long end;

        Range(long position, long bytes) {
            this.position = position;
            this.end = position + bytes;
        }

        @Override
        public int read() {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int bytes) {
            if (bytes == 0) return 0;
            if (position >= end) return -1;
            int count = (int) Math.min(bytes, end - position);
            ImageFile.this.read(position, to, offset, count);
            position += count;
            return count;
        }

        @Override
        public long skip(long bytes) {
            long count = Math.max(0, Math.min(bytes, end - position));
            position += count;
            return count;
        }
    }
}
