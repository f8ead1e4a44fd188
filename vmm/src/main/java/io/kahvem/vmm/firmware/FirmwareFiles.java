package io.kahvem.vmm.firmware;

import io.kahvem.config.Boot;
import io.kahvem.config.UefiFiles;
import io.kahvem.vmm.boot.BootException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Where a distribution has put firmware.
///
/// @param code the image that ends at 4 GiB, or ends where `variables` begin
/// @param variables the template of UEFI's variables, in flash below the code; empty where the firmware has none
public record FirmwareFiles(Path code, Optional<Path> variables) {
    private static final List<Path> SEABIOS = paths("/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/bios-256k.bin");
    private static final List<Path> VGA_ROM = paths("/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/qemu/vgabios-stdvga.bin");

    /// Finds what `firmware` names. Throws BootException, with the package that has it, where it is not installed.
    public static FirmwareFiles find(Boot.Firmware firmware) {
        return switch (firmware.name()) {
            case Boot.Firmware.SEABIOS -> new FirmwareFiles(first(SEABIOS)
                    .orElseThrow(() -> missing("SeaBIOS", SEABIOS, "apt-get install seabios")), Optional.empty());
            case Boot.Firmware.OVMF -> UefiFiles.installed()
                    .map(files -> new FirmwareFiles(files.code(), Optional.of(files.variables())))
                    .orElseThrow(() -> missing("OVMF", UefiFiles.KNOWN.stream().map(UefiFiles::code).toList(), "apt-get install ovmf"));
            default -> new FirmwareFiles(Path.of(firmware.name()), Optional.empty());
        };
    }

    /// Those that a machine reads.
    public List<Path> all() {
        return variables.map(file -> List.of(code, file)).orElse(List.of(code));
    }

    /// The VGA card's option ROM; empty where none is installed, and then only UEFI shows anything.
    public static Optional<Path> vgaRom() {
        return first(VGA_ROM);
    }

    private static Optional<Path> first(List<Path> candidates) {
        return candidates.stream().filter(Files::isRegularFile).findFirst();
    }

    private static BootException missing(String what, List<Path> looked, String remedy) {
        return new BootException("firmware %s is not installed: looked for %s; install it (%s), or give its file as in --firmware FILE"
                .formatted(what, String.join(", ", looked.stream().map(Path::toString).toList()), remedy));
    }

    private static List<Path> paths(String... names) {
        return List.of(names).stream().map(Path::of).toList();
    }
}
