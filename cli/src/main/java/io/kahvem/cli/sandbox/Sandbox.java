package io.kahvem.cli.sandbox;

import static io.kahvem.host.Landlock.Access.CREATE;
import static io.kahvem.host.Landlock.Access.LISTEN;
import static io.kahvem.host.Landlock.Access.READ;
import static io.kahvem.host.Landlock.Access.REMOVE;
import static io.kahvem.host.Landlock.Access.WRITE;

import io.kahvem.cli.CliException;
import io.kahvem.config.Boot;
import io.kahvem.config.Disk;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.Serial;
import io.kahvem.host.Landlock;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.vmm.DescriptorSets;
import io.kahvem.vmm.DiskFiles;
import io.kahvem.vmm.firmware.FirmwareFiles;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What `--sandbox` does for one machine: first the files, before anything of the machine is opened; then, with all of it open and no guest
/// instruction run, the system calls.
public final class Sandbox {
    /// What a pseudo-terminal is made of (pts(4)).
    private static final List<Path> TERMINALS = List.of(Path.of("/dev/ptmx"), Path.of("/dev/pts"));

    private final SandboxMode mode;
    private final Confinement confinement;
    private final PrintStream err;

    public Sandbox(SandboxMode mode, Confinement confinement, PrintStream err) {
        this.mode = mode;
        this.confinement = confinement;
        this.err = err;
    }

    /// May start the process again, with `arguments`. Throws CliException where it must be and cannot.
    public void confineFiles(MachineConfig config, List<Hypervisor> engines, List<String> arguments) {
        if (mode == SandboxMode.OFF) return;
        told("files are not confined", confinement.confineFiles(filesOf(config, engines), arguments));
    }

    /// Throws CliException where it must be and cannot.
    public void confineCalls() {
        if (mode == SandboxMode.OFF) return;
        told("system calls are not filtered", confinement.confineCalls());
    }

    private void told(String what, Optional<String> why) {
        if (why.isEmpty()) return;
        switch (mode) {
            case OFF -> {}
            case ON -> err.println("kahvem: sandbox: %s: %s".formatted(what, why.get()));
            case REQUIRE ->
                throw CliException.hostFailed("--sandbox require: %s: %s\n  --sandbox on goes on with what this host can do."
                        .formatted(what, why.get()));
        }
    }

    /// The files that the machine names, and those its engine opens.
    public static List<Landlock.Rule> filesOf(MachineConfig config, List<Hypervisor> engines) {
        List<Landlock.Rule> rules = new ArrayList<>();
        switch (config.boot()) {
            case Boot.Kernel kernel -> kernel.files().forEach(file -> rules.add(new Landlock.PathRule(file, Set.of(READ))));
            case Boot.Firmware firmware -> {
                FirmwareFiles files = FirmwareFiles.find(firmware);
                for (Path file : files.all()) rules.add(new Landlock.PathRule(file, Set.of(READ)));
                firmware.variables().ifPresent(file -> rules.add(keptFile(file)));
                FirmwareFiles.vgaRom().ifPresent(file -> rules.add(new Landlock.PathRule(file, Set.of(READ))));
            }
        }
        for (Serial line : List.of(config.serial(), config.debugcon())) {
            switch (line) {
                case Serial.Stdio ignored -> {}
                case Serial.None ignored -> {}
                case Serial.Pty ignored -> TERMINALS.forEach(path -> rules.add(new Landlock.PathRule(path, Set.of(READ, WRITE))));
                case Serial.ToFile file -> rules.add(toWrite(file.path()));
            }
        }
        for (Path socket : config.management().qmp()) rules.add(new Landlock.PathRule(directoryOf(socket), Set.of(LISTEN)));
        DescriptorSets passed = new DescriptorSets(config.passedFiles()); // not closed: they are the machine's
        for (Disk disk : config.disks()) {
            DiskFiles files = DiskFiles.of(disk, passed);
            for (Path file : files.read()) rules.add(new Landlock.PathRule(file, Set.of(READ)));
            for (Path file : files.written()) rules.add(new Landlock.PathRule(file, Set.of(READ, WRITE)));
            for (int port : files.ports()) rules.add(new Landlock.PortRule(port));
            for (Path directory : files.temporary()) rules.add(new Landlock.PathRule(directory, Set.of(READ, WRITE, CREATE, REMOVE)));
        }
        for (Hypervisor engine : engines) {
            for (Path file : engine.files()) rules.add(new Landlock.PathRule(file, Set.of(READ, WRITE)));
        }
        return rules;
    }

    /// A file that is not there yet has no rule of its own: its directory is left until the system calls are taken, which make no file.
    private static Landlock.Rule toWrite(Path file) {
        if (Files.exists(file)) return new Landlock.PathRule(file, Set.of(WRITE));
        return new Landlock.PathRule(directoryOf(file), Set.of(WRITE, CREATE));
    }

    /// A file that is read and written, and made where it is not there.
    private static Landlock.Rule keptFile(Path file) {
        if (Files.exists(file)) return new Landlock.PathRule(file, Set.of(READ, WRITE));
        return new Landlock.PathRule(directoryOf(file), Set.of(READ, WRITE, CREATE));
    }

    private static Path directoryOf(Path file) {
        Path directory = file.toAbsolutePath().getParent();
        return directory == null ? file : directory;
    }
}
