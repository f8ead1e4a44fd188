package io.kahvem.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A machine, whole and checked: nothing in it can turn out wrong later, but files that are missing or not what they should be.
///
/// ```java
/// MachineConfig config = MachineConfig.builder()
///         .memory("512M").cpus(2)
///         .kernel(Path.of("vmlinuz")).initrd("initrd.gz").append("console=ttyS0")
///         .build();
/// ```
///
/// @param type what board it is
/// @param memoryBytes guest RAM, whole pages
/// @param cpus how many virtual CPUs
/// @param accelOption which engine runs it, and how
/// @param disks disks and CD-ROM drives, in the order the guest is to find them
/// @param passedFiles files that the process was started with, for disks named `/dev/fdset/N`
/// @param serial where the first serial line ends
/// @param debugcon where what firmware says on its debug port ends
/// @param display where the screen is shown
/// @param actions what a reset, a switching off or a panic of the guest does
/// @param management how the machine is known and controlled from outside
/// @param pcieRootPorts slots into which devices are plugged while the machine runs
/// @param debugExit whether isa-debug-exit answers at port 0xf4
/// @param timeout how long the machine may run, host time; empty means for ever
public record MachineConfig(
        MachineType type, long memoryBytes, int cpus, Boot boot, AccelOption accelOption, List<Disk> disks,
        List<PassedFile> passedFiles, Serial serial, Serial debugcon, Display display, Actions actions,
        Management management, int pcieRootPorts, boolean debugExit, Optional<Duration> timeout) {
    public static final long MIN_MEMORY = 2L << 20;
    public static final long MAX_MEMORY = 1L << 40;
    public static final int MAX_CPUS = 255;
    public static final long DEFAULT_MEMORY = 512L << 20;
    public static final int MAX_ROOT_PORTS = 16;
    private static final int PAGE_SIZE = 4096;

    public MachineConfig {
        disks = List.copyOf(disks);
        passedFiles = List.copyOf(passedFiles);
        for (PassedFile file : passedFiles) {
            if (passedFiles.stream().filter(other -> other.descriptor() == file.descriptor()).count() > 1) {
                throw new ConfigException("add-fd: fd=%d is given twice; give each number once".formatted(file.descriptor()));
            }
        }
        if (memoryBytes < MIN_MEMORY || memoryBytes > MAX_MEMORY) {
            throw new ConfigException(
                    "memory: %s is outside of %s to %s".formatted(Sizes.show(memoryBytes), Sizes.show(MIN_MEMORY), Sizes.show(MAX_MEMORY)));
        }
        if (memoryBytes % PAGE_SIZE != 0) {
            throw new ConfigException("memory: %s is not whole pages of 4 KiB".formatted(Sizes.show(memoryBytes)));
        }
        if (type == MachineType.MICROVM) checkMicrovm(boot, disks, management);
        if (display == Display.TEXT && !(boot instanceof Boot.Firmware)) {
            throw new ConfigException("display: a machine that starts with a kernel has no screen; give none, or start with firmware");
        }
        if (display == Display.TEXT && serial instanceof Serial.Stdio) {
            throw new ConfigException("display: text goes to standard output, where the serial line is; give --serial none or file:PATH");
        }
        if (pcieRootPorts < 0 || pcieRootPorts > MAX_ROOT_PORTS) {
            throw new ConfigException("pcie-root-ports: give 0 to %d, not %d".formatted(MAX_ROOT_PORTS, pcieRootPorts));
        }
        if (type == MachineType.MICROVM && pcieRootPorts > 0) {
            throw new ConfigException("pcie-root-ports: a microvm has no PCI; give --machine q35");
        }
        if (cpus < 1 || cpus > MAX_CPUS) throw new ConfigException("cpus: a machine has 1 to %d CPUs, not %d".formatted(MAX_CPUS, cpus));
        if (timeout.isPresent() && (timeout.get().isNegative() || timeout.get().isZero())) {
            throw new ConfigException("timeout: give more than nothing, or no timeout at all");
        }
    }

    /// How many virtio devices the machine has; all SCSI disks are behind one.
    public int virtioDevices() {
        return virtioDevices(disks, management);
    }

    private static int virtioDevices(List<Disk> disks, Management management) {
        List<Disk.Bus> buses = disks.stream().map(Disk::bus).toList();
        long blocks = buses.stream().filter(bus -> bus == Disk.Bus.VIRTIO).count();
        return (int) blocks + (buses.contains(Disk.Bus.SCSI) ? 1 : 0) + (management.balloon() ? 1 : 0);
    }

    private static void checkMicrovm(Boot boot, List<Disk> disks, Management management) {
        if (boot instanceof Boot.Firmware) {
            throw new ConfigException("firmware: a microvm starts a kernel; give --kernel, or --machine q35");
        }
        for (Disk disk : disks) {
            switch (disk.bus()) {
                case VIRTIO, SCSI -> {}
                case SATA, NVME -> throw new ConfigException(
                        "disk: bus=%s is on PCI, which a microvm has not; give bus=virtio or bus=scsi, or --machine q35"
                                .formatted(disk.bus().id()));
            }
        }
        int devices = virtioDevices(disks, management);
        if (devices > MachineType.MICROVM_DEVICES) {
            throw new ConfigException(("disk: a microvm has room for %d virtio devices, and these are %d;"
                    + " give bus=scsi, which is one for all").formatted(MachineType.MICROVM_DEVICES, devices));
        }
    }

    /// Whether a reset, or a triple fault, ends the machine instead of starting it again.
    public boolean noReboot() {
        return actions.noReboot();
    }

    public Accel accel() {
        return accelOption.accel();
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Collects what a machine is; [#build] checks it. Not for several threads.
    public static final class Builder {
        private MachineType type = MachineType.Q35;
        private long memoryBytes = DEFAULT_MEMORY;
        private int cpus = 1;
        private @Nullable Path kernel;
        private @Nullable String initrd;
        private Boot.@Nullable Firmware firmware;
        private String commandLine = "";
        private AccelOption accel = new AccelOption(Accel.AUTO);
        private final List<Disk> disks = new ArrayList<>();
        private final List<PassedFile> passedFiles = new ArrayList<>();
        private Serial serial = new Serial.Stdio();
        private Serial debugcon = new Serial.None();
        private Display display = Display.NONE;
        private Actions actions = Actions.DEFAULT;
        private Management management = Management.NONE;
        private int pcieRootPorts;
        private boolean debugExit;
        private @Nullable Duration timeout;

        private Builder() {}

        public Builder type(MachineType board) {
            type = board;
            return this;
        }

        public Builder memoryBytes(long bytes) {
            memoryBytes = bytes;
            return this;
        }

        /// As `--memory` takes it: `512M`, `2G`; a bare number is MiB.
        public Builder memory(String size) {
            return memoryBytes(Sizes.parse("memory", size));
        }

        public Builder cpus(int count) {
            cpus = count;
            return this;
        }

        /// Linux bzImage, ELF with a PVH note, or Multiboot 1.
        public Builder kernel(@Nullable Path file) {
            kernel = file;
            return this;
        }

        /// A file; for a Multiboot kernel its modules, as [Boot.Kernel] says.
        public Builder initrd(@Nullable String text) {
            initrd = text;
            return this;
        }

        /// The kernel's command line.
        public Builder append(String text) {
            commandLine = text;
            return this;
        }

        /// Instead of a kernel.
        public Builder firmware(Boot.@Nullable Firmware what) {
            firmware = what;
            return this;
        }

        public Builder accel(Accel engine) {
            return accel(new AccelOption(engine));
        }

        public Builder accel(AccelOption option) {
            accel = option;
            return this;
        }

        /// One more disk or CD-ROM drive.
        public Builder disk(Disk disk) {
            disks.add(disk);
            return this;
        }

        /// One more file that the process was started with.
        public Builder passedFile(PassedFile file) {
            passedFiles.add(file);
            return this;
        }

        public Builder serial(Serial where) {
            serial = where;
            return this;
        }

        public Builder debugcon(Serial where) {
            debugcon = where;
            return this;
        }

        public Builder display(Display where) {
            display = where;
            return this;
        }

        public Builder noReboot(boolean on) {
            return actions(actions.withNoReboot(on));
        }

        public Builder actions(Actions given) {
            actions = given;
            return this;
        }

        public Builder management(Management given) {
            management = given;
            return this;
        }

        /// Empty slots for devices that come and go: `rp1` and so on.
        public Builder pcieRootPorts(int count) {
            pcieRootPorts = count;
            return this;
        }

        public Builder debugExit(boolean on) {
            debugExit = on;
            return this;
        }

        /// Null means for ever.
        public Builder timeout(@Nullable Duration span) {
            timeout = span;
            return this;
        }

        /// Throws ConfigException where the machine cannot be.
        public MachineConfig build() {
            return new MachineConfig(
                    type, memoryBytes, cpus, boot(), accel, disks, passedFiles, serial, debugcon, display, actions, management,
                    pcieRootPorts, debugExit, Optional.ofNullable(timeout));
        }

        private Boot boot() {
            if (firmware != null && kernel != null) {
                throw new ConfigException("firmware: a machine starts with firmware or with a kernel, not with both");
            }
            if (firmware != null) return firmware;
            if (kernel == null) {
                throw new ConfigException("a machine needs something to boot: give a kernel (Linux bzImage, ELF with a PVH note, or"
                        + " Multiboot 1), or firmware and a disk");
            }
            return new Boot.Kernel(kernel, Optional.ofNullable(initrd), commandLine);
        }
    }
}
