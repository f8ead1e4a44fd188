package io.kahvem.config;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// How a machine is known and controlled from outside.
///
/// @param name what people call it
/// @param uuid the machine's own number, which its guest sees too
/// @param qmp sockets to control it by, made when the machine is
/// @param paused the vCPUs wait for QMP's cont
/// @param balloon the guest finds a virtio balloon, by which it is asked to give memory back
public record Management(Optional<String> name, Optional<UUID> uuid, List<Path> qmp, boolean paused, boolean balloon) {
    public static final Management NONE = new Management(Optional.empty(), Optional.empty(), List.of(), false, false);

    private static final int MAX_NAME = 255;

    public Management {
        qmp = List.copyOf(qmp);
        if (new HashSet<>(qmp).size() < qmp.size()) throw new ConfigException("qmp: the same socket is given twice");
        if (name.isPresent() && (name.get().isEmpty() || name.get().length() > MAX_NAME || name.get().chars().anyMatch(c -> c < ' '))) {
            throw new ConfigException("name: give 1 to %d characters, none of them a control character".formatted(MAX_NAME));
        }
        if (paused && qmp.isEmpty()) {
            throw new ConfigException("paused: a machine that starts stopped needs a control socket to start it: --qmp unix:PATH");
        }
    }

    /// Reads `unix:PATH`; of QEMU's options `server=on,wait=off` may follow, which is what it is anyway.
    public static Path parseSocket(String text) {
        String path = text;
        for (String option : List.of(",wait=off", ",nowait", ",server=on", ",server")) {
            if (path.endsWith(option)) path = path.substring(0, path.length() - option.length());
        }
        if (!path.startsWith("unix:") || path.length() == "unix:".length()) {
            throw ConfigException.of("qmp", text, "is no control socket; give unix:PATH");
        }
        return Path.of(path.substring("unix:".length()));
    }

    /// Reads a UUID in its usual form.
    public static UUID parseUuid(String text) {
        try {
            if (text.length() == 36) return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw notAUuid(text);
        }
        throw notAUuid(text);
    }

    private static ConfigException notAUuid(String text) {
        return ConfigException.of("uuid", text, "is no UUID; give one as in 6f1d9d5e-4a4c-4b6e-9f0e-2f6a1c0a7f3b");
    }
}
