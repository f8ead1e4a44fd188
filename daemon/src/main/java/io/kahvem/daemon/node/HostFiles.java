package io.kahvem.daemon.node;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The kernel's files, under a root that tests move. What is not there is empty: containers hide parts.
public final class HostFiles {
    private final Path root;

    public HostFiles(Path root) {
        this.root = root;
    }

    Path path(String name) {
        return root.resolve(name);
    }

    Optional<String> text(String name) {
        try {
            return Optional.of(Files.readString(root.resolve(name)).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    List<String> lines(String name) {
        return text(name).map(text -> text.lines().toList()).orElse(List.of());
    }

    /// The names in a directory, sorted.
    List<String> names(String directory) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(root.resolve(directory))) {
            for (Path path : stream) names.add(path.getFileName().toString());
        } catch (IOException e) {
            return List.of();
        }
        names.sort(null);
        return names;
    }

    boolean exists(String name) {
        return Files.exists(root.resolve(name));
    }
}
