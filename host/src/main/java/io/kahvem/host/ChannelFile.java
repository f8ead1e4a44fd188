package io.kahvem.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/// [HostFile] by the JDK, for hosts whose calls are not known: no holes, no locks, no direct access.
final class ChannelFile implements HostFile {
    private final Path path;
    private final FileChannel channel;

    private ChannelFile(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    static HostFile open(Path path, Mode mode) {
        Set<OpenOption> options = new HashSet<>(Set.of(StandardOpenOption.READ));
        if (mode.write()) options.add(StandardOpenOption.WRITE);
        if (mode.create()) options.addAll(Set.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING));
        try {
            if (Files.isDirectory(path)) throw new HostException("open " + path, "open", new Errno(Errno.EISDIR), "");
            return new ChannelFile(path, FileChannel.open(path, options));
        } catch (IOException e) {
            throw new HostException("open " + path, "open", new Errno(errno(e)), "");
        }
    }

    private static int errno(IOException e) {
        return switch (e) {
            case NoSuchFileException none -> Errno.ENOENT;
            case AccessDeniedException denied -> Errno.EACCES;
            default -> String.valueOf(e.getMessage()).startsWith("No space") ? Errno.ENOSPC : Errno.EIO;
        };
    }

    private static ByteBuffer buffer(long address, long length) {
        return MemorySegment.ofAddress(address).reinterpret(length).asByteBuffer();
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public long read(long offset, long address, long length) {
        long done = 0;
        try {
            while (done < length) {
                int n = channel.read(buffer(address + done, Math.min(length - done, 1 << 30)), offset + done);
                if (n < 0) break;
                done += n;
            }
            return done;
        } catch (IOException e) {
            return -errno(e);
        }
    }

    @Override
    public long write(long offset, long address, long length) {
        long done = 0;
        try {
            while (done < length) {
                done += channel.write(buffer(address + done, Math.min(length - done, 1 << 30)), offset + done);
            }
            return done;
        } catch (IOException e) {
            return -errno(e);
        }
    }

    @Override
    public long readVector(long offset, long iovec, int count) {
        return read(offset, Words.get64(iovec), Words.get64(iovec + 8));
    }

    @Override
    public long writeVector(long offset, long iovec, int count) {
        return write(offset, Words.get64(iovec), Words.get64(iovec + 8));
    }

    @Override
    public int flush() {
        try {
            channel.force(false);
            return 0;
        } catch (IOException e) {
            return -errno(e);
        }
    }

    @Override
    public long size() {
        try {
            return channel.size();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public long allocatedSize() {
        return size();
    }

    @Override
    public int resize(long sizeBytes) {
        try {
            if (sizeBytes < channel.size()) {
                channel.truncate(sizeBytes);
            } else if (sizeBytes > channel.size()) {
                channel.write(ByteBuffer.wrap(new byte[1]), sizeBytes - 1);
            }
            return 0;
        } catch (IOException e) {
            return -errno(e);
        }
    }

    @Override
    public int punchHole(long offset, long length) {
        return -Errno.EOPNOTSUPP;
    }

    @Override
    public int zeroRange(long offset, long length) {
        return -Errno.EOPNOTSUPP;
    }

    @Override
    public int allocate(long offset, long length) {
        return size() >= offset + length ? 0 : resize(offset + length);
    }

    @Override
    public long seekData(long offset) {
        return offset < size() ? offset : -Errno.ENXIO;
    }

    @Override
    public long seekHole(long offset) {
        return size();
    }

    @Override
    public int alignment() {
        return 1;
    }

    @Override
    public boolean isBlockDevice() {
        return false;
    }

    @Override
    public int lockShared(long offset) {
        return 0;
    }

    @Override
    public int unlock(long offset) {
        return 0;
    }

    @Override
    public int testExclusive(long offset) {
        return 0;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
