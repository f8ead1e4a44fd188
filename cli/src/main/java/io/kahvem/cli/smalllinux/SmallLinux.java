package io.kahvem.cli.smalllinux;

import io.kahvem.cli.CacheDirectory;
import io.kahvem.cli.CliException;
import io.kahvem.cli.ProcessEnd;
import io.kahvem.cli.Progress;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A kernel and an initramfs in the cache, built on first use, checked against their SHA-256 sums on every later one.
///
/// The cache holds a directory per recipe with `vmlinuz`, `initrd` and `SHA256SUMS`. It is built beside its place and renamed into it,
/// so it is whole or absent; a file lock, which dies with its process, keeps two builders apart.
///
/// @param kernel a bzImage as the distribution packs it
/// @param commandLine what the kernel needs to be told
public record SmallLinux(Path kernel, Path initrd, String commandLine) {
    private static final String PREFIX = "small-linux-";
    private static final String TEMPORARY = PREFIX + "tmp-";
    private static final String KERNEL = "vmlinuz";
    private static final String INITRD = "initrd";
    private static final String SUMS = "SHA256SUMS";
    private static final String COMMAND_LINE = "console=ttyS0 quiet";

    /// Finds it in `cache`, or builds it there with the host's apt. A process that is told to end
    /// meanwhile leaves nothing half-built. Throws [CliException] where it cannot be had.
    public static SmallLinux prepare(Path cache, Map<String, String> environment, Progress progress, ProcessEnd processEnd) {
        try (FileChannel lockFile = FileChannel.open(
                        cache.resolve(PREFIX + "lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = lock(lockFile, progress)) {
            Path directory = cache.resolve(PREFIX + sha256(Initramfs.recipe().getBytes(StandardCharsets.UTF_8)).substring(0, 12));
            if (Files.exists(directory)) {
                String fault = fault(directory);
                if (fault == null) return in(directory);
                progress.warn("the cached small Linux is damaged (%s); building it again".formatted(fault));
            }
            new Builder(cache, directory, Apt.find(environment), progress, processEnd).build();
            return in(directory);
        } catch (IOException e) {
            String message = "cannot keep the small Linux in %s: %s\n  %s".formatted(cache, describe(e), CacheDirectory.NAME_ANOTHER);
            throw CliException.hostFailed(message);
        } finally {
            progress.clear();
        }
    }

    private static SmallLinux in(Path directory) {
        return new SmallLinux(directory.resolve(KERNEL), directory.resolve(INITRD), COMMAND_LINE);
    }

    private static FileLock lock(FileChannel file, Progress progress) throws IOException {
        FileLock lock = file.tryLock();
        if (lock != null) return lock;
        progress.step("waiting for another kahvem that builds the small Linux");
        return file.lock();
    }

    /// What is wrong with a cached directory, or null.
    private static @Nullable String fault(Path directory) throws IOException {
        try {
            List<String> sums = Files.readAllLines(directory.resolve(SUMS));
            List<String> names = sums.stream().map(s -> s.replaceFirst("^[0-9a-f]{64}  ", "")).toList();
            if (!names.equals(List.of(KERNEL, INITRD))) return SUMS + " is not what was written";
            for (String line : sums) {
                String name = line.substring(66);
                String sum = sha256(Files.readAllBytes(directory.resolve(name)));
                if (!line.startsWith(sum)) return name + " does not match its SHA-256 sum";
            }
            return null;
        } catch (NoSuchFileException e) {
            return Path.of(e.getFile()).getFileName() + " is missing";
        } catch (CharacterCodingException e) {
            return SUMS + " is not text";
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    private static String describe(IOException e) {
        boolean bare = e instanceof FileSystemException f && f.getReason() == null;
        return bare ? e.getClass().getSimpleName() + ": " + e.getMessage() : String.valueOf(e.getMessage());
    }

    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) return;
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) throws IOException {
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /// One build, under the lock.
    private record Builder(Path cache, Path directory, Apt apt, Progress progress, ProcessEnd processEnd) {
        void build() throws IOException {
            deleteLeftovers();
            Path work = Files.createTempDirectory(cache, TEMPORARY);
            try (ProcessEnd.Undo undo = processEnd.add(() -> abort(work))) {
                progress.step("asking apt for a kernel and busybox");
                List<String> packages = apt.packages();
                progress.step("downloading " + String.join(" and ", packages));
                List<Path> debs = apt.download(packages, work, progress);
                progress.step("unpacking " + String.join(" and ", packages));
                Parts parts = unpack(debs);
                progress.step("building the small Linux");
                Path finished = Files.createDirectory(work.resolve("finished"));
                byte[] initrd = Initramfs.build(parts.busybox(), parts.modules());
                Files.write(finished.resolve(KERNEL), parts.kernel());
                Files.write(finished.resolve(INITRD), initrd);
                String sums = "%s  %s\n%s  %s\n".formatted(sha256(parts.kernel()), KERNEL, sha256(initrd), INITRD);
                Files.writeString(finished.resolve(SUMS), sums);
                if (Files.exists(directory)) move(directory, work.resolve("damaged"));
                move(finished, directory);
                progress.done("built a small Linux from %s in %s".formatted(String.join(" and ", packages), directory));
            } finally {
                delete(work);
            }
        }

        private record Parts(byte[] kernel, byte[] busybox, Map<String, byte[]> modules) {}

        private Parts unpack(List<Path> debs) throws IOException {
            Map<String, byte[]> found = new TreeMap<>();
            Map<String, byte[]> modules = new TreeMap<>();
            for (Path deb : debs) {
                apt.unpack(deb, (name, tar) -> {
                    String file = name.substring(name.lastIndexOf('/') + 1);
                    if (name.startsWith("boot/vmlinuz-")) found.put(KERNEL, tar.content());
                    if (name.equals("bin/busybox") || name.equals("usr/bin/busybox")) found.put("busybox", tar.content());
                    boolean wanted = Initramfs.MODULES.contains(file.replaceFirst("\\.ko(\\.xz)?$", ""));
                    if (name.contains("/modules/") && wanted) modules.put(file, tar.content());
                });
            }
            return new Parts(found(found, KERNEL, debs), found(found, "busybox", debs), modules);
        }

        private static byte[] found(Map<String, byte[]> found, String part, List<Path> debs) {
            byte[] content = found.get(part);
            if (content != null) return content;
            throw CliException.hostFailed("there is no %s in %s\n  %s"
                    .formatted(part, String.join(", ", debs.stream().map(d -> d.getFileName().toString()).toList()), Apt.GIVE_A_KERNEL));
        }

        private void abort(Path work) {
            apt.stop();
            try {
                delete(work);
            } catch (IOException e) {
                // The process ends; the next build under the lock clears what is left.
                return;
            }
        }

        /// What builds that were killed have left.
        private void deleteLeftovers() throws IOException {
            try (Stream<Path> entries = Files.list(cache)) {
                for (Path entry : entries.filter(e -> e.getFileName().toString().startsWith(TEMPORARY)).toList()) delete(entry);
            }
        }

        private static void move(Path from, Path to) throws IOException {
            try {
                Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(from, to);
            }
        }
    }
}
