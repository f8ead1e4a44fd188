package io.kahvem.config;

import java.nio.file.Path;
import java.util.Optional;

/// What a machine starts with.
public sealed interface Boot {
    /// A kernel loaded directly, without firmware: Linux bzImage, ELF with a PVH note, or Multiboot 1; which of them, its first bytes tell.
    ///
    /// @param initrd what `--initrd` says: a file for Linux and PVH; for Multiboot a list of modules, `file arguments,file arguments`,
    ///     where `,,` stands for a comma
    /// @param commandLine the kernel's command line, as it is given
    record Kernel(Path kernel, Optional<String> initrd, String commandLine) implements Boot {
        public Kernel {
            if (kernel.toString().isEmpty()) throw ConfigException.of("kernel", "", "names no file");
            if (initrd.isPresent() && initrd.get().isEmpty()) throw ConfigException.of("initrd", "", "names no file");
            if (commandLine.indexOf('\0') >= 0) {
                throw ConfigException.of("append", commandLine.replace('\0', '?'), "has a NUL character, which ends a command line");
            }
        }
    }
}
