package io.kahvem.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// OVMF, as a distribution installs it.
///
/// @param code the firmware
/// @param variables what a machine's variables begin as
public record UefiFiles(Path code, Path variables) {
    /// Where distributions have it.
    public static final List<UefiFiles> KNOWN = List.of(
            of("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
            of("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
            of("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
            of("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"));

    private static UefiFiles of(String code, String variables) {
        return new UefiFiles(Path.of(code), Path.of(variables));
    }

    /// The first of them that is here, whole.
    public static Optional<UefiFiles> installed() {
        return KNOWN.stream().filter(each -> Files.isRegularFile(each.code) && Files.isRegularFile(each.variables)).findFirst();
    }
}
