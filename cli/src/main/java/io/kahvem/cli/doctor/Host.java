package io.kahvem.cli.doctor;

import io.kahvem.host.DeviceAccess;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The host as the checks see it: files under `root`, which a test makes up, and a few facts of this process.
record Host(Path root, String osName, String arch, String user, Jdk jdk, DeviceOpener opener) {
    /// The Java runtime this process runs on.
    record Jdk(int feature, String version, String vendor, String home) {}

    /// Opens a device for reading and writing and closes it again; throws where the kernel refuses.
    interface DeviceOpener {
        void open(Path device) throws IOException;
    }

    static Host system() {
        Jdk jdk = new Jdk(
                Runtime.version().feature(),
                System.getProperty("java.runtime.version", Runtime.version().toString()),
                System.getProperty("java.vendor", "unknown vendor"),
                System.getProperty("java.home", ""));
        return new Host(
                Path.of("/"),
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                System.getProperty("user.name"),
                jdk,
                device -> FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE).close());
    }

    boolean isLinux() {
        return osName.equals("Linux");
    }

    boolean isX86() {
        return switch (arch) {
            case "amd64", "x86_64" -> true;
            default -> false;
        };
    }

    Path path(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    boolean exists(String absolute) {
        return Files.exists(path(absolute));
    }

    /// The text of a file, without space at its ends; empty where it is absent or cannot be read.
    Optional<String> read(String absolute) {
        try {
            return Optional.of(Files.readString(path(absolute)).strip());
        } catch (IOException unreadable) {
            return Optional.empty();
        }
    }

    List<String> lines(String absolute) {
        return read(absolute).map(text -> text.lines().toList()).orElse(List.of());
    }

    /// The sorted names in a directory; none where it is absent or cannot be read.
    List<String> names(String absolute) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path(absolute))) {
            for (Path entry : entries) names.add(entry.getFileName().toString());
        } catch (IOException unreadable) {
            return List.of();
        }
        names.sort(null);
        return names;
    }

    void open(String device) throws IOException {
        opener.open(path(device));
    }

    Optional<DeviceAccess> access(String absolute) {
        return DeviceAccess.of(path(absolute));
    }
}
