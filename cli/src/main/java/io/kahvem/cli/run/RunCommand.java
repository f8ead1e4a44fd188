package io.kahvem.cli.run;

import io.kahvem.cli.CacheDirectory;
import io.kahvem.cli.CliContext;
import io.kahvem.cli.CliException;
import io.kahvem.cli.PlainCommand;
import io.kahvem.cli.PlainOptions;
import io.kahvem.cli.Progress;
import io.kahvem.cli.sandbox.Sandbox;
import io.kahvem.cli.sandbox.SandboxMode;
import io.kahvem.cli.smalllinux.SmallLinux;
import io.kahvem.config.Accel;
import io.kahvem.config.AccelOption;
import io.kahvem.config.Actions;
import io.kahvem.config.Boot;
import io.kahvem.config.ConfigException;
import io.kahvem.config.Disk;
import io.kahvem.config.Display;
import io.kahvem.config.Durations;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.MachineType;
import io.kahvem.config.Management;
import io.kahvem.config.PassedFile;
import io.kahvem.config.Serial;
import io.kahvem.host.Landlock;
import io.kahvem.host.PseudoTerminal;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.vmm.boot.BootException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `kahvem run`: its options, as DESIGN's contract names them, become a [MachineConfig]; [Foreground] runs it.
@Command(
        name = "run",
        description = {
            "Boots a machine in the foreground.",
            "With no --kernel: a small Linux, built from the host's own apt sources and kept in the cache."
        },
        sortOptions = false,
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {
            "0:the guest powered off, or asked for a reset under --no-reboot, or Ctrl-] was typed",
            "2:wrong arguments or input",
            "4:the guest failed: a triple fault under --no-reboot",
            "70:the host failed, or a bug of Kahvem",
            "124:--timeout ran out",
            "128+n:signal n",
            "odd, below 256:--debug-exit: (value << 1) | 1"
        })
public final class RunCommand implements PlainCommand {
    private static final Set<String> SEVERAL = Set.of("--disk", "--cdrom", "--qmp", "--add-fd");

    private final CliContext context;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    @SuppressWarnings("UnusedVariable") // picocli reads it
    private boolean help;

    @Option(names = "--kernel", paramLabel = "FILE", description = "Linux bzImage, ELF with a PVH note, or Multiboot 1.")
    private @Nullable Path kernel;

    @Option(
            names = "--initrd",
            paramLabel = "FILE",
            description = "Initial RAM disk; for Multiboot the modules: FILE ARGUMENTS,FILE ARGUMENTS ...")
    private @Nullable String initrd;

    @Option(names = "--append", paramLabel = "TEXT", description = "The kernel's command line; added to the small Linux's own.")
    private String append = "";

    @Option(
            names = "--firmware",
            paramLabel = "NAME",
            description = "Start with firmware instead of a kernel: seabios, ovmf, or an image's FILE.")
    private @Nullable String firmware;

    @Option(
            names = "--firmware-vars",
            paramLabel = "FILE",
            description = "Where UEFI keeps its variables; made where there is none. Without it they are forgotten with the machine.")
    private @Nullable Path firmwareVars;

    @Option(
            names = "--debugcon",
            paramLabel = "WHERE",
            defaultValue = "none",
            description = "Where firmware's debug messages go: stdio, file:PATH or none (default).")
    private String debugcon = "";

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            defaultValue = "512M",
            description = "Guest memory (default: 512M; a bare number is MiB).")
    private String memory = "";

    @Option(names = "--machine", paramLabel = "NAME", defaultValue = "q35", description = "q35 (default), or microvm: no PCI, no firmware.")
    private String machine = "";

    @Option(names = "--cpus", paramLabel = "N", defaultValue = "1", description = "Virtual CPUs (default: 1).")
    private int cpus;

    @Option(names = "--cpu", paramLabel = "MODEL", defaultValue = "max", description = "max: all that the engine can do (default).")
    private String cpu = "";

    @Option(
            names = "--accel",
            paramLabel = "ENGINE",
            defaultValue = "auto",
            description = {"auto (default), kvm or jvm;",
                "jvm,translate=off, early or normal (default): when it translates guest code;",
                "kvm,kernel-irqchip=split (default) or off: whether the kernel has the local APICs;",
                "kvm,dirty-ring-size=ENTRIES: note written pages in a ring for each CPU, not in bitmaps."})
    private String accel = "";

    @Option(
            names = "--disk",
            paramLabel = "FILE",
            description = {"A disk; may be given several times. After commas: format=raw, qcow2 ... (default: told from its content),",
                "bus=virtio (default), sata, nvme or scsi, readonly, snapshot (what the guest writes is forgotten),",
                "cache=writeback (default), none, writethrough, directsync or unsafe, serial=TEXT. A comma in a name is doubled."})
    private List<String> disks = new ArrayList<>();

    @Option(
            names = "--add-fd",
            paramLabel = "fd=N,set=M",
            description = "An open file the process was started with: /dev/fdset/M is its name for --disk and QMP; may be repeated.")
    private List<String> passedFiles = new ArrayList<>();

    @Option(
            names = "--cdrom",
            paramLabel = "FILE",
            description = "A CD-ROM drive with this image in it; may be given several times. After a comma: bus=sata (default) or scsi.")
    private List<String> cdroms = new ArrayList<>();

    @Option(
            names = "--serial",
            paramLabel = "WHERE",
            description = "stdio (default; on a terminal Ctrl-] leaves and stops the machine), pty (a pseudo-terminal), file:PATH or none.")
    private @Nullable String serial;

    @Option(
            names = "--display",
            paramLabel = "WHERE",
            defaultValue = "none",
            description = {"none (default), or text: the screen's text on standard output,",
                "each time that it has changed and come to rest; --serial is none then, if not told otherwise."})
    private String display = "";

    @Option(names = "--debug-exit", description = "isa-debug-exit at port 0xf4: the process exits with (value << 1) | 1.")
    private boolean debugExit;

    @Option(names = "--no-reboot", description = "End where the guest asks for a reset.")
    private boolean noReboot;

    @Option(names = "--timeout", paramLabel = "TIME", description = "Stop the machine after this long: 60s, 500ms, 2m, 1h.")
    private @Nullable String timeout;

    @Option(
            names = "--sandbox",
            paramLabel = "MODE",
            defaultValue = "on",
            description = "Confine the process to the machine's files and needs: on (default; as far as the kernel can), require, off.")
    private String sandbox = "";

    @Option(
            names = "--qmp",
            paramLabel = "unix:PATH",
            description = "A socket to control the machine by, as QEMU's -qmp unix:PATH,server=on,wait=off; may be repeated.")
    private List<String> qmp = new ArrayList<>();

    @Option(names = {"--paused", "-S"}, description = "Start the machine stopped; QMP's cont starts it.")
    private boolean paused;

    @Option(names = "--balloon", description = "A virtio balloon: QMP's balloon asks the guest to give memory back.")
    private boolean balloon;

    @Option(
            names = "--pcie-root-ports",
            paramLabel = "N",
            defaultValue = "0",
            description = "Empty slots rp1 to rpN, into which QMP's device_add plugs disks while the guest runs (default: 0).")
    private int pcieRootPorts;

    @Option(names = "--name", paramLabel = "NAME", description = "What to call the machine; told by QMP.")
    private @Nullable String name;

    @Option(names = "--uuid", paramLabel = "UUID", description = "The machine's UUID; told by QMP.")
    private @Nullable String uuid;

    @Option(
            names = "--action",
            paramLabel = "EVENT=ACTION,...",
            description = "What the guest's events do: reboot=reset (default) or shutdown; shutdown=poweroff (default) or pause;"
                    + " panic=none (default), pause, shutdown or exit-failure.")
    private @Nullable String action;

    @Option(names = "--stats", description = "At the end, print instructions, time and speed on standard error.")
    private boolean stats;

    public RunCommand(CliContext context) {
        this.context = context;
    }

    @Override
    public boolean takesPlainly(List<String> arguments) {
        serial = null;
        debugcon = "none";
        memory = "512M";
        machine = "q35";
        cpus = 1;
        pcieRootPorts = 0;
        cpu = "max";
        accel = "auto";
        display = "none";
        sandbox = "on";
        return PlainOptions.take(arguments, SEVERAL, this::takesFlag, this::takesValue);
    }

    private boolean takesFlag(String flag) {
        switch (flag) {
            case "--debug-exit" -> debugExit = true;
            case "--no-reboot" -> noReboot = true;
            case "--paused" -> paused = true;
            case "--balloon" -> balloon = true;
            case "--stats" -> stats = true;
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean takesValue(String option, String value) {
        switch (option) {
            case "--kernel" -> kernel = Path.of(value);
            case "--initrd" -> initrd = value;
            case "--append" -> append = value;
            case "--firmware" -> firmware = value;
            case "--firmware-vars" -> firmwareVars = Path.of(value);
            case "--debugcon" -> debugcon = value;
            case "--memory" -> memory = value;
            case "--machine" -> machine = value;
            case "--cpus" -> {
                if (!value.matches("[0-9]{1,6}")) return false;
                cpus = Integer.parseInt(value);
            }
            case "--pcie-root-ports" -> {
                if (!value.matches("[0-9]{1,6}")) return false;
                pcieRootPorts = Integer.parseInt(value);
            }
            case "--cpu" -> cpu = value;
            case "--accel" -> accel = value;
            case "--disk" -> disks.add(value);
            case "--cdrom" -> cdroms.add(value);
            case "--serial" -> serial = value;
            case "--display" -> display = value;
            case "--timeout" -> timeout = value;
            case "--sandbox" -> sandbox = value;
            case "--qmp" -> qmp.add(value);
            case "--add-fd" -> passedFiles.add(value);
            case "--name" -> name = value;
            case "--uuid" -> uuid = value;
            case "--action" -> action = value;
            default -> {
                return false;
            }
        }
        return true;
    }

    @Override
    public Integer call() {
        for (Hypervisor engine : context.machineHost().get().engines()) {
            if (engine.name().equals("jvm") && !accel.startsWith("kvm")) engine.prepare();
        }
        MachineConfig.Builder builder = optionsAlone();
        Sandbox sandbox = new Sandbox(SandboxMode.parse(this.sandbox), context.confinement(), context.err());
        if (kernel == null && firmware == null) {
            Path cache = CacheDirectory.of(context.environment());
            Progress progress = new Progress(context.err(), context.errIsTerminal().getAsBoolean());
            SmallLinux linux = SmallLinux.prepare(cache, context.environment(), progress, context.processEnd());
            kernel = linux.kernel();
            initrd = linux.initrd().toString();
            append = append.isEmpty() ? linux.commandLine() : linux.commandLine() + " " + append;
        }
        MachineConfig config = builder.kernel(kernel).initrd(initrd).append(append).build();
        sandbox.confineFiles(config, context.machineHost().get().engines(), arguments());
        if (!(config.serial() instanceof Serial.Pty)) return new Foreground(context, config, sandbox, stats, null).run();
        PseudoTerminal pty = PseudoTerminal.open();
        context.err().println("kahvem: the serial line is " + pty.path());
        MachineConfig withPty = builder.serial(new Serial.Pty(pty.path())).build();
        return new Foreground(context, withPty, sandbox, stats, pty).run();
    }

    /// The files of a machine that has a kernel or firmware, from its whole command line; empty where it is none, or they cannot be told.
    public static Optional<List<Landlock.Rule>> filesOf(CliContext context, List<String> arguments) {
        if (!arguments.getFirst().equals("run")) return Optional.empty();
        RunCommand run = new RunCommand(context);
        try {
            if (!run.takesPlainly(arguments.subList(1, arguments.size()))) return Optional.empty();
            if ((run.kernel == null && run.firmware == null) || SandboxMode.parse(run.sandbox) == SandboxMode.OFF) return Optional.empty();
            MachineConfig config = run.optionsAlone().kernel(run.kernel).initrd(run.initrd).append(run.append).build();
            return Optional.of(Sandbox.filesOf(config, context.machineHost().get().engines()));
        } catch (CliException | ConfigException | BootException | InvalidPathException e) {
            return Optional.empty();
        }
    }

    /// What makes the same machine again, with the small Linux' files by their names.
    private List<String> arguments() {
        List<String> arguments = new ArrayList<>(List.of("run", "--append=" + append, "--debugcon=" + debugcon, "--display=" + display,
                "--machine=" + machine, "--memory=" + memory,
                "--cpus=" + cpus, "--pcie-root-ports=" + pcieRootPorts, "--cpu=" + cpu, "--accel=" + accel, "--serial=" + serial(),
                "--sandbox=" + sandbox));
        if (kernel != null) arguments.add("--kernel=" + kernel);
        if (firmware != null) arguments.add("--firmware=" + firmware);
        if (firmwareVars != null) arguments.add("--firmware-vars=" + firmwareVars);
        for (String disk : disks) arguments.add("--disk=" + disk);
        for (String file : passedFiles) arguments.add("--add-fd=" + file);
        for (String cdrom : cdroms) arguments.add("--cdrom=" + cdrom);
        if (initrd != null) arguments.add("--initrd=" + initrd);
        for (String socket : qmp) arguments.add("--qmp=" + socket);
        if (paused) arguments.add("--paused");
        if (balloon) arguments.add("--balloon");
        if (name != null) arguments.add("--name=" + name);
        if (uuid != null) arguments.add("--uuid=" + uuid);
        if (action != null) arguments.add("--action=" + action);
        if (timeout != null) arguments.add("--timeout=" + timeout);
        if (debugExit) arguments.add("--debug-exit");
        if (noReboot) arguments.add("--no-reboot");
        if (stats) arguments.add("--stats");
        return arguments;
    }

    /// All but what boots, checked before a small Linux is built for a machine that cannot be.
    private MachineConfig.Builder optionsAlone() {
        if (initrd != null && kernel == null) {
            throw CliException.badInput("--initrd goes with a kernel\n  Give both: kahvem run --kernel FILE --initrd FILE");
        }
        if (!append.isEmpty() && firmware != null) {
            throw CliException.badInput(
                    "--append: firmware takes no command line\n  Give it to the kernel in the guest, or start with --kernel");
        }
        if (!cpu.equals("max")) throw CliException.badInput("--cpu: this version has no CPU model \"%s\", only max".formatted(cpu));
        AccelOption option = AccelOption.parse(accel);
        Accel engine = option.accel();
        if (engine != Accel.AUTO && !engines().contains(engine.id())) {
            throw CliException.badInput("--accel %s: this version has no such engine\n  It has: %s"
                    .formatted(accel, String.join(", ", engines())));
        }
        Actions actions = action == null ? Actions.DEFAULT : Actions.parse(action);
        MachineConfig.Builder builder = MachineConfig.builder()
                .memory(memory)
                .cpus(cpus)
                .accel(option)
                .serial(Serial.parse(serial()))
                .type(MachineType.parse(machine))
                .display(Display.parse(display))
                .debugcon(Serial.parse("debugcon", debugcon))
                .pcieRootPorts(pcieRootPorts)
                .debugExit(debugExit)
                .actions(noReboot ? actions.withNoReboot(true) : actions)
                .management(new Management(
                        Optional.ofNullable(name),
                        Optional.ofNullable(uuid).map(Management::parseUuid),
                        qmp.stream().map(Management::parseSocket).toList(),
                        paused,
                        balloon))
                .timeout(timeout == null ? null : Durations.parse("timeout", timeout));
        for (String disk : disks) builder.disk(Disk.parse(disk));
        for (String file : passedFiles) builder.passedFile(PassedFile.parse(file));
        for (String cdrom : cdroms) builder.disk(Disk.parseCdrom(cdrom));
        if (firmware == null && firmwareVars != null) {
            throw CliException.badInput("--firmware-vars: there is no firmware that has variables\n  Start with one: --firmware ovmf");
        }
        if (firmware != null) builder.firmware(new Boot.Firmware(firmware, Optional.ofNullable(firmwareVars)));
        builder.kernel(kernel == null && firmware == null ? Path.of("any") : kernel).build();
        return builder;
    }

    /// Standard output belongs to one of the two.
    private String serial() {
        if (serial != null) return serial;
        return display.equals("text") ? "none" : "stdio";
    }

    private List<String> engines() {
        return context.machineHost().get().engines().stream().map(Hypervisor::name).sorted().toList();
    }
}
