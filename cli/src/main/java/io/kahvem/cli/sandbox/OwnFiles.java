package io.kahvem.cli.sandbox;

import static io.kahvem.host.Landlock.Access.EXECUTE;
import static io.kahvem.host.Landlock.Access.READ;
import static io.kahvem.host.Landlock.Access.WRITE;

import io.kahvem.host.Landlock;
import io.kahvem.host.Landlock.Access;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// The files that this program itself runs from, whatever its machine is: the JDK, the shared libraries, our jars, and what the JVM asks of
/// the host it is on. All but four devices for reading only.
final class OwnFiles {
    private static final Path MAPS = Path.of("/proc/self/maps");

    /// What the JVM reads to know its processors and its memory, and its container's share of them; the locales of the C library.
    private static final List<String> HOST = List.of(
            "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/cgroups", "/proc/sys/vm", "/sys/fs/cgroup", "/sys/devices/system",
            "/sys/kernel/mm/transparent_hugepage", "/usr/lib/locale", "/usr/share/locale", "/etc/localtime", "/etc/ld.so.cache");

    private static final List<String> DEVICES = List.of("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom");

    private final List<Landlock.Rule> rules = new ArrayList<>();

    private OwnFiles() {}

    /// `options` is the command line up to our own arguments.
    static List<Landlock.Rule> of(List<String> options) throws IOException {
        OwnFiles files = new OwnFiles();
        Path jdk = Path.of(System.getProperty("java.home")).toRealPath();
        files.add(jdk, READ, EXECUTE);
        for (String directory : List.of("conf", "conf/security", "lib", "lib/security")) files.linkedFrom(jdk.resolve(directory));
        files.mapped();
        files.addAll(System.getProperty("jdk.module.path", ""));
        files.addAll(System.getProperty("java.class.path", ""));
        for (String option : options) {
            for (String cache : List.of("-XX:AOTCache=", "-XX:SharedArchiveFile=", "-Xbootclasspath/a:")) {
                if (option.startsWith(cache)) files.add(Path.of(option.substring(cache.length())), READ);
            }
        }
        for (String path : HOST) files.add(Path.of(path), READ);
        for (String path : DEVICES) files.add(Path.of(path), READ, WRITE);
        return files.rules;
    }

    private void add(Path path, Access... accesses) {
        rules.add(new Landlock.PathRule(path, Set.of(accesses)));
    }

    private void addAll(String paths) {
        for (String path : paths.split(File.pathSeparator)) {
            if (!path.isEmpty()) add(Path.of(path), READ);
        }
    }

    /// Distributions keep a JDK's configuration elsewhere, behind symbolic links.
    private void linkedFrom(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) return;
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
            for (Path path : paths) {
                if (Files.isSymbolicLink(path) && Files.exists(path)) add(path.toRealPath(), READ);
            }
        }
    }

    /// The shared libraries and their loader, which the kernel starts too, as they are mapped now (proc_pid_maps(5)). A file has a line for
    /// each of its parts.
    private void mapped() throws IOException {
        Map<String, Boolean> files = new TreeMap<>();
        for (String line : Files.readAllLines(MAPS)) {
            int path = line.indexOf('/');
            if (path < 0 || line.startsWith("/dev/", path) || line.endsWith(" (deleted)")) continue;
            files.merge(line.substring(path), line.split(" ", 3)[1].contains("x"), Boolean::logicalOr);
        }
        files.forEach((name, executable) -> {
            Path file = Path.of(name);
            if (!Files.isRegularFile(file)) return;
            if (executable) add(file, READ, EXECUTE);
            else add(file, READ);
        });
    }
}
