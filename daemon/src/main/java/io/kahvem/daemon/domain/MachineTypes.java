package io.kahvem.daemon.domain;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/// What machines this daemon can make on this host.
///
/// @param emulator the program that runs a machine, as `<emulator>` names it
/// @param kvm whether `<domain type='kvm'>` can run
/// @param maxVcpus the most virtual CPUs a machine may have
/// @param variables the directory in which UEFI's variables are kept, a file a machine, where its description names none
public record MachineTypes(Path emulator, BooleanSupplier kvm, int maxVcpus, Path variables) {
    public static final String ARCH = "x86_64";

    /// The machine as it is built today; a description keeps the version it was defined with.
    public static final String Q35 = "pc-q35-1.0";

    private static final Pattern Q35_OF_ANY_VERSION = Pattern.compile("(pc-)?q35(-\\d+\\.\\d+)?");

    /// The domain types that run, the better first.
    public List<String> domainTypes() {
        return kvm.getAsBoolean() ? List.of("kvm", "qemu") : List.of("qemu");
    }

    /// The version that a machine's name stands for.
    public static Optional<String> canonical(String machine) {
        return Q35_OF_ANY_VERSION.matcher(machine).matches() ? Optional.of(Q35) : Optional.empty();
    }
}
