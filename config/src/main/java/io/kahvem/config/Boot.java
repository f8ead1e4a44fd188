package io.kahvem.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

        /// The Multiboot modules of `initrd`: `a x,b,,c y` are `a x` and `b,c y`.
        public List<Module> modules() {
            String list = initrd.orElse("");
            List<Module> modules = new ArrayList<>();
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < list.length(); i++) {
                boolean comma = list.charAt(i) == ',';
                if (comma && i + 1 < list.length() && list.charAt(i + 1) == ',') {
                    text.append(',');
                    i++;
                } else if (comma) {
                    modules.add(new Module(text.toString().strip()));
                    text.setLength(0);
                } else {
                    text.append(list.charAt(i));
                }
            }
            modules.add(new Module(text.toString().strip()));
            modules.removeIf(module -> module.text.isEmpty());
            return modules;
        }

        /// Every file that this can mean, whichever format the kernel turns out to have.
        public List<Path> files() {
            List<Path> files = new ArrayList<>(List.of(kernel));
            initrd.map(Path::of).ifPresent(files::add);
            for (Module module : modules()) files.add(module.file());
            return files;
        }
    }

    /// Firmware, which finds what to boot on the machine's disks.
    ///
    /// @param name `seabios` or `ovmf` for the distribution's, else the file of an image that ends at 4 GiB
    /// @param variables the file that UEFI's variables are kept in, made where there is none; without one they are forgotten with the
    ///     machine
    record Firmware(String name, Optional<Path> variables) implements Boot {
        public static final String SEABIOS = "seabios";
        public static final String OVMF = "ovmf";

        public Firmware {
            if (name.isEmpty()) throw ConfigException.of("firmware", "", "names no firmware; give seabios, ovmf or a file");
            if (variables.isPresent() && name.equals(SEABIOS)) {
                throw ConfigException.of("firmware-vars", variables.get().toString(), "SeaBIOS has no variables; they are UEFI's");
            }
            if (variables.isPresent() && variables.get().toString().isEmpty()) {
                throw ConfigException.of("firmware-vars", "", "names no file");
            }
        }
    }

    /// A Multiboot module.
    ///
    /// @param text the file's name, and its arguments after a space
    record Module(String text) {
        public Path file() {
            int space = text.indexOf(' ');
            return Path.of(space < 0 ? text : text.substring(0, space));
        }
    }
}
