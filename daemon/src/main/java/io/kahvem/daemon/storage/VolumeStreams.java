package io.kahvem.daemon.storage;

import io.kahvem.daemon.LazyLogger;
import io.kahvem.daemon.rpc.IncomingStream;
import io.kahvem.daemon.rpc.OutgoingStream;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.rpc.Packet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;

/// A volume's bytes to and from a client, as they are in its file.
public final class VolumeStreams {
    private static final int HOLE_BYTES = 64 << 10;

    private VolumeStreams() {}

    /// Takes bytes from the client into the file, from `offset` on.
    ///
    /// @param length the most of them, or 0 for any number
    public static Function<OutgoingStream, IncomingStream> upload(Pool pool, Volume volume, long offset, long length) {
        FileChannel file = open(volume.path(), StandardOpenOption.WRITE);
        try {
            file.position(offset);
        } catch (IOException | IllegalArgumentException e) {
            throw StorageErrors.of(ErrorCode.INVALID_ARG, "offset %d of '%s': %s", offset, volume.path(), String.valueOf(e.getMessage()));
        }
        return out -> new Upload(pool, volume, file, length == 0 ? Long.MAX_VALUE : length);
    }

    /// Gives the file's bytes to the client, from `offset` on.
    ///
    /// @param length the most of them, or 0 for all
    /// @param sparse whether zeros are told as holes
    public static Function<OutgoingStream, IncomingStream> download(Path path, long offset, long length, boolean sparse) {
        FileChannel file = open(path, StandardOpenOption.READ);
        return out -> {
            Download download = new Download(path, file, out, sparse);
            Thread.startVirtualThread(() -> download.send(offset, length == 0 ? Long.MAX_VALUE : length));
            return download;
        };
    }

    private static FileChannel open(Path path, StandardOpenOption how) {
        try {
            return FileChannel.open(path, how);
        } catch (IOException e) {
            throw StorageErrors.system("open '%s'".formatted(path), e);
        }
    }

    private static void close(FileChannel file) {
        try {
            file.close();
        } catch (IOException e) {
            LazyLogger.of("io.kahvem.daemon.storage").log(System.Logger.Level.DEBUG, "closing a volume", e);
        }
    }

    private static final class Upload implements IncomingStream {
        private final Pool pool;
        private final Volume volume;
        private final FileChannel file;
        private long left;

        Upload(Pool pool, Volume volume, FileChannel file, long left) {
            this.pool = pool;
            this.volume = volume;
            this.file = file;
            this.left = left;
        }

        @Override
        public void data(byte[] octets) {
            take(octets.length);
            try {
                for (ByteBuffer rest = ByteBuffer.wrap(octets); rest.hasRemaining(); ) file.write(rest);
            } catch (IOException e) {
                throw StorageErrors.system("write '%s'".formatted(volume.path()), e);
            }
        }

        @Override
        public void hole(long lengthBytes) {
            if (lengthBytes < 0) throw StorageErrors.of(ErrorCode.INVALID_ARG, "a hole of %d bytes", lengthBytes);
            take(lengthBytes);
            try {
                // What was there goes; a file that ends within the hole is as long as the hole's end.
                ByteBuffer zeros = ByteBuffer.allocate(HOLE_BYTES);
                long end = file.position() + lengthBytes;
                while (file.position() < Math.min(end, file.size())) {
                    zeros.clear().limit((int) Math.min(HOLE_BYTES, Math.min(end, file.size()) - file.position()));
                    file.write(zeros);
                }
                if (file.size() < end) file.write(ByteBuffer.allocate(1), end - 1);
                file.position(end);
            } catch (IOException e) {
                throw StorageErrors.system("write '%s'".formatted(volume.path()), e);
            }
        }

        private void take(long count) {
            left -= count;
            if (left < 0) throw StorageErrors.of(ErrorCode.OPERATION_FAILED, "more bytes were sent than the length that was given");
        }

        @Override
        public void finish() {
            try {
                file.force(true);
            } catch (IOException e) {
                throw StorageErrors.system("write '%s'".formatted(volume.path()), e);
            }
            close(file);
            pool.reload(volume.path());
        }

        @Override
        public void abort() {
            close(file);
        }
    }

    private static final class Download implements IncomingStream {
        private final Path path;
        private final FileChannel file;
        private final OutgoingStream out;
        private final boolean sparse;

        Download(Path path, FileChannel file, OutgoingStream out, boolean sparse) {
            this.path = path;
            this.file = file;
            this.out = out;
            this.sparse = sparse;
        }

        void send(long offset, long length) {
            byte[] chunk = new byte[sparse ? HOLE_BYTES : Packet.STREAM_CHUNK];
            try {
                long left = length;
                long hole = 0;
                file.position(offset);
                while (left > 0) {
                    int count = file.read(ByteBuffer.wrap(chunk, 0, (int) Math.min(chunk.length, left)));
                    if (count < 0) break;
                    left -= count;
                    if (sparse && isZero(chunk, count)) {
                        hole += count;
                        continue;
                    }
                    if (hole > 0 && !out.sendHole(hole)) return;
                    hole = 0;
                    if (!out.send(chunk, 0, count)) return;
                }
                if (hole > 0 && !out.sendHole(hole)) return;
                out.endOfData();
            } catch (IOException | IllegalArgumentException e) {
                out.fail(StorageErrors.of(ErrorCode.SYSTEM_ERROR, "cannot read '%s': %s", path, String.valueOf(e.getMessage())));
            } finally {
                close(file);
            }
        }

        private static boolean isZero(byte[] bytes, int count) {
            for (int n = 0; n < count; n++) {
                if (bytes[n] != 0) return false;
            }
            return true;
        }

        @Override
        public void data(byte[] octets) {
            throw StorageErrors.of(ErrorCode.INVALID_STREAM, "a download takes no data");
        }

        @Override
        public void hole(long lengthBytes) {
            throw StorageErrors.of(ErrorCode.INVALID_STREAM, "a download takes no data");
        }

        @Override
        public void finish() {
            close(file);
        }

        @Override
        public void abort() {
            close(file);
        }
    }
}
