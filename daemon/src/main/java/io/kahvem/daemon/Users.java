package io.kahvem.daemon;

import io.kahvem.libvirt.Scram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The daemon's own users, a line each in a file: the name, a tab, and what SCRAM keeps of the password. Read at every question, so that a
/// change holds at once.
public final class Users {
    private final Path file;

    public Users(Path file) {
        this.file = file;
    }

    /// What is stored of a user.
    public Optional<Scram.Stored> find(String name) {
        return Optional.ofNullable(read().get(name)).map(Scram.Stored::parse);
    }

    /// Adds a user, or gives one another password.
    public void put(String name, char[] password) {
        if (name.isEmpty() || name.chars().anyMatch(c -> c < ' ')) throw new DaemonException("a user's name has no control characters");
        Map<String, String> lines = read();
        lines.put(name, Scram.Stored.of(password, new SecureRandom()).print());
        StringBuilder text = new StringBuilder();
        lines.forEach((user, stored) -> text.append(user).append('\t').append(stored).append('\n'));
        AtomicFiles.write(file, text.toString());
    }

    private Map<String, String> read() {
        Map<String, String> lines = new LinkedHashMap<>();
        try {
            for (String line : Files.readAllLines(file)) {
                int tab = line.indexOf('\t');
                if (tab > 0) lines.put(line.substring(0, tab), line.substring(tab + 1));
            }
        } catch (NoSuchFileException none) {
            return lines;
        } catch (IOException e) {
            throw new DaemonException("cannot read the users in %s: %s".formatted(file, e.getMessage()), e);
        }
        return lines;
    }
}
