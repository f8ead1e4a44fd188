package io.kahvem.kvm;

import io.kahvem.host.Descriptor;
import io.kahvem.host.DeviceAccess;
import io.kahvem.host.Errno;
import io.kahvem.host.HostException;
import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.Availability.Available;
import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.memory.GuestMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The engine on /dev/kvm.
public final class KvmHypervisor implements Hypervisor {
    /// Names another device than /dev/kvm: tests look at a host without one.
    public static final String DEVICE_PROPERTY = "kahvem.kvm.device";

    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    private final Path device;
    private final Path cpuInfo;

    public KvmHypervisor() {
        this(Path.of(System.getProperty(DEVICE_PROPERTY, "/dev/kvm")), CPUINFO);
    }

    KvmHypervisor(Path device, Path cpuInfo) {
        this.device = device;
        this.cpuInfo = cpuInfo;
    }

    @Override
    public String name() {
        return "kvm";
    }

    @Override
    public List<Path> files() {
        return List.of(device, cpuInfo);
    }

    @Override
    public Availability availability() {
        if (!Descriptor.isSupported() || !System.getProperty("os.arch").equals("amd64")) {
            return new Unavailable(
                    Reason.UNSUPPORTED_HOST,
                    "KVM runs x86-64 guests on x86-64 Linux, and this is %s on %s"
                            .formatted(System.getProperty("os.name"), System.getProperty("os.arch")),
                    "");
        }
        List<String> flags = flags();
        try {
            KvmSystem.open(device.toString()).close();
        } catch (HostException refused) {
            return refused(refused, flags);
        } catch (HypervisorException unfit) {
            return new Unavailable(Reason.UNSUPPORTED_HOST, String.valueOf(unfit.getMessage()), "");
        }
        if (!flags.contains("vmx") && !flags.contains("svm")) {
            return new Unavailable(
                    Reason.SOFTWARE_ONLY,
                    device + " opens, but the CPU has neither vmx nor svm: this KVM emulates kernel code in software",
                    "--accel kvm takes it all the same; a stock Linux does not boot on it.");
        }
        return new Available();
    }

    private Unavailable refused(HostException refused, List<String> flags) {
        return switch (refused.errno()) {
            case Errno.ENOENT -> new Unavailable(Reason.NO_DEVICE, "there is no " + device, moduleRemedy(flags));
            case Errno.EACCES ->
                new Unavailable(
                        Reason.NO_PERMISSION,
                        "permission to open %s denied to user %s".formatted(device, System.getProperty("user.name")),
                        DeviceAccess.remedy(device.toString(), DeviceAccess.of(device), "kvm"));
            case Errno.EPERM -> // by the device rules of its control group
                new Unavailable(
                        Reason.NO_PERMISSION,
                        "this process' container may not open " + device,
                        "Start the container with --device " + device + ".");
            default -> new Unavailable(Reason.NO_DEVICE, String.valueOf(refused.getMessage()), moduleRemedy(flags));
        };
    }

    private static String moduleRemedy(List<String> flags) {
        if (flags.contains("vmx")) return "sudo modprobe kvm_intel";
        if (flags.contains("svm")) return "sudo modprobe kvm_amd";
        return "";
    }

    private List<String> flags() {
        try {
            return Files.readAllLines(cpuInfo).stream()
                    .filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .map(line -> List.of(line.substring(line.indexOf(':') + 1).strip().split("\\s+")))
                    .orElse(List.of());
        } catch (IOException unknown) {
            return List.of();
        }
    }

    @Override
    public List<Feature> features() {
        if (!canRun(availability())) return List.of();
        try (KvmSystem system = KvmSystem.open(device.toString())) {
            return system.features();
        }
    }

    private static boolean canRun(Availability availability) {
        return switch (availability) {
            case Available ignored -> true;
            case Unavailable not -> not.reason() == Reason.SOFTWARE_ONLY;
        };
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model) {
        return createVm(memory, model, VmOptions.DEFAULT);
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model, VmOptions options) {
        boolean softwareOnly = availability() instanceof Unavailable not && not.reason() == Reason.SOFTWARE_ONLY;
        try {
            return KvmVm.create(KvmSystem.open(device.toString()), memory, model, softwareOnly, options);
        } catch (HostException refused) {
            throw new HypervisorException(String.valueOf(refused.getMessage()), refused);
        }
    }
}
