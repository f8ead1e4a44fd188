package io.kahvem.daemon;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/// Files that are wholly the old or wholly the new, whenever the host stops: written beside, made durable, renamed.
public final class AtomicFiles {
    private static final String TEMPORARY = ".new";

    private AtomicFiles() {}

    /// Puts `text` in place of what the file holds, readable by its owner alone. Throws [DaemonException] with the file as it was.
    public static void write(Path file, String text) {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    public static void write(Path file, byte[] bytes) {
        Path beside = file.resolveSibling(file.getFileName() + TEMPORARY);
        try {
            Path directory = directory(file);
            Files.createDirectories(directory);
            Files.deleteIfExists(beside);
            Files.createFile(beside, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
                for (ByteBuffer rest = ByteBuffer.wrap(bytes); rest.hasRemaining(); ) channel.write(rest);
                channel.force(true);
            }
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            sync(directory);
        } catch (IOException e) {
            throw new DaemonException("cannot write %s: %s\n  Make room there, or make it writable".formatted(file, e), e);
        }
    }

    /// Removes the file, if there is one.
    public static void delete(Path file) {
        try {
            if (Files.deleteIfExists(file)) sync(directory(file));
        } catch (IOException e) {
            throw new DaemonException("cannot remove %s: %s".formatted(file, e), e);
        }
    }

    /// What was being written when the host stopped.
    static boolean isLeftOver(Path file) {
        return file.getFileName().toString().endsWith(TEMPORARY);
    }

    private static Path directory(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) throw new DaemonException("no file: " + file);
        return parent;
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
