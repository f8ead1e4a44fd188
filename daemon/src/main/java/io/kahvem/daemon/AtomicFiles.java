package io.kahvem.daemon;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/// Files that are wholly the old or wholly the new, whenever the host stops: written beside, made durable, renamed. Which of the two is up
/// to the file system for the few seconds until it writes its directories, as with libvirt's: waiting for that would make each change
/// three times as long.
public final class AtomicFiles {
    private static final String TEMPORARY = ".new";
    private static final Set<StandardOpenOption> NEW = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ALONE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private AtomicFiles() {}

    /// Puts `text` in place of what the file holds, readable by its owner alone. Throws [DaemonException] with the file as it was.
    public static void write(Path file, String text) {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    public static void write(Path file, byte[] bytes) {
        write(file, bytes, true);
    }

    /// @param lasting whether it is to be whole even where the host stops without a warning
    static void write(Path file, String text, boolean lasting) {
        write(file, text.getBytes(StandardCharsets.UTF_8), lasting);
    }

    private static void write(Path file, byte[] bytes, boolean lasting) {
        Path beside = file.resolveSibling(file.getFileName() + TEMPORARY);
        try {
            try (FileChannel channel = create(beside)) {
                for (ByteBuffer rest = ByteBuffer.wrap(bytes); rest.hasRemaining(); ) channel.write(rest);
                if (lasting) channel.force(true);
            }
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new DaemonException("cannot write %s: %s\n  Make room there, or make it writable".formatted(file, e), e);
        }
    }

    /// Makes the file, anew where one is left over, and its directory where there is none.
    private static FileChannel create(Path file) throws IOException {
        try {
            return FileChannel.open(file, NEW, OWNER_ALONE);
        } catch (NoSuchFileException none) {
            Files.createDirectories(directory(file));
        } catch (FileAlreadyExistsException leftOver) {
            Files.delete(file);
        }
        return FileChannel.open(file, NEW, OWNER_ALONE);
    }

    /// Removes the file, if there is one.
    public static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
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
}
