package io.kahvem.daemon.storage;

import io.kahvem.daemon.xml.Element;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Who may do what with a file, as descriptions have it.
final class Permissions {
    private Permissions() {}

    /// Adds the permissions of a file that is there to its description.
    static void add(Element description, Path path) {
        try {
            Map<String, Object> all = Files.readAttributes(path, "unix:mode,uid,gid");
            if (!(all.get("mode") instanceof Integer mode)) return;
            description.add(new Element("permissions").add(new Element("mode", "0%o".formatted(mode & 0777)))
                    .add(new Element("owner", String.valueOf(all.get("uid")))).add(new Element("group", String.valueOf(all.get("gid")))));
        } catch (IOException | UnsupportedOperationException e) {
            // It is gone, or the host has no such thing: then there is nothing to tell.
            return;
        }
    }
}
