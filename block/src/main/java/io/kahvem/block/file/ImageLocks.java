package io.kahvem.block.file;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import io.kahvem.host.HostFile;
import java.util.List;

/// The locks QEMU's file driver takes of an image (block/file-posix.c; qemu-block-drivers, "Disk image file locking"): a shared lock of
/// byte 100 + n says that its holder does n, one of byte 200 + n that its holder bears nobody else doing n. Whoever means to do n looks
/// for byte 200 + n first, and the other way round. So Kahvem and QEMU keep out of each other's way.
final class ImageLocks {
    static final int CONSISTENT_READ = 1;
    static final int WRITE = 2;
    static final int RESIZE = 8;

    /// Names of the bits, as messages have them.
    private static final List<String> NAMES = List.of("consistent read", "write", "write unchanged", "resize");

    private static final int DOES = 100;
    private static final int BEARS_NOT = 200;

    private ImageLocks() {}

    /// Takes both kinds, or none. Throws [BlockException] in QEMU's words where another process stands against it.
    static void take(HostFile file, String name, int does, int bearsNot) {
        try {
            for (int bit = 0; bit < NAMES.size(); bit++) {
                if ((does >> bit & 1) != 0) lock(file, name, DOES + bit);
                if ((bearsNot >> bit & 1) != 0) lock(file, name, BEARS_NOT + bit);
            }
            for (int bit = 0; bit < NAMES.size(); bit++) {
                if ((does >> bit & 1) != 0 && file.testExclusive(BEARS_NOT + bit) != 0) throw inUse(name, "", bit);
                if ((bearsNot >> bit & 1) != 0 && file.testExclusive(DOES + bit) != 0) throw inUse(name, "shared ", bit);
            }
        } catch (BlockException refused) {
            release(file);
            throw refused;
        }
    }

    static void release(HostFile file) {
        for (int bit = 0; bit < NAMES.size(); bit++) {
            file.unlock(DOES + bit);
            file.unlock(BEARS_NOT + bit);
        }
    }

    private static void lock(HostFile file, String name, int offset) {
        int result = file.lockShared(offset);
        if (result < 0) {
            throw new BlockException(-result, "Could not open '%s': Failed to lock byte %d: %s"
                    .formatted(name, offset, new Errno(-result).meaning()));
        }
    }

    private static BlockException inUse(String name, String shared, int bit) {
        return new BlockException(Errno.EAGAIN, "Could not open '%s': Failed to get %s\"%s\" lock\nIs another process using the image [%s]?"
                .formatted(name, shared, NAMES.get(bit), name));
    }
}
