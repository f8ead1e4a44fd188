package io.kahvem.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Where caches live: `$XDG_CACHE_HOME/kahvem`, else `$HOME/.cache/kahvem`. Read from the environment alone: Java's `user.home` comes
/// from the password database and misses a HOME that was set on purpose.
public final class CacheDirectory {
    /// What mends a cache that cannot be used.
    public static final String NAME_ANOTHER = "Name another place: XDG_CACHE_HOME=/some/directory kahvem run";

    private CacheDirectory() {}

    /// The directory, made if need be. Throws [CliException] where the environment names none or it cannot be made.
    public static Path of(Map<String, String> environment) {
        Path directory = locate(environment);
        try {
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw CliException.badInput("cannot make the cache directory %s: %s\n  %s".formatted(directory, e, NAME_ANOTHER));
        }
    }

    static Path locate(Map<String, String> environment) {
        // XDG Base Directory Specification: a relative path is invalid and is ignored.
        Path xdg = Path.of(environment.getOrDefault("XDG_CACHE_HOME", ""));
        if (xdg.isAbsolute()) return xdg.resolve("kahvem");
        Path home = Path.of(environment.getOrDefault("HOME", ""));
        if (home.isAbsolute()) return home.resolve(".cache").resolve("kahvem");
        throw CliException.badInput("there is no place for a cache: neither HOME nor XDG_CACHE_HOME is an absolute path\n"
                + "  Name one: XDG_CACHE_HOME=/some/directory kahvem run");
    }
}
