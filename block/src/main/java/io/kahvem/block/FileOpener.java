package io.kahvem.block;

import io.kahvem.host.HostException;
import io.kahvem.host.HostFile;
import java.nio.file.Path;

/// Opens the host's files by the names that users and images have for them, and opens them anew where they are to be written from then on.
@FunctionalInterface
public interface FileOpener {
    /// By their paths.
    FileOpener BY_NAME = (name, mode) -> HostFile.open(Path.of(name), mode);

    /// Throws [HostException], whose errno tells why not, or [BlockException] in QEMU's words.
    HostFile open(String name, HostFile.Mode mode);
}
