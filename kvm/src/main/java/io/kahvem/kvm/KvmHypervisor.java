package io.kahvem.kvm;

import io.kahvem.host.Descriptor;
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
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Request;
import io.kahvem.memory.GuestMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;

/// The engine on /dev/kvm.
public final class KvmHypervisor implements Hypervisor {
    /// Names another device than /dev/kvm: tests look at a host without one.
    public static final String DEVICE_PROPERTY = "kahvem.kvm.device";

    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    private final Path device;
    private final Path cpuInfo;
    private final KvmOptions options;

    public KvmHypervisor() {
        this(Path.of(System.getProperty(DEVICE_PROPERTY, "/dev/kvm")), CPUINFO, KvmOptions.DEFAULT);
    }

    KvmHypervisor(Path device, Path cpuInfo, KvmOptions options) {
        this.device = device;
        this.cpuInfo = cpuInfo;
        this.options = options;
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
        boolean hardware = flags.contains("vmx") || flags.contains("svm");
        int version;
        try (KvmFile opened = new KvmFile(Descriptor.open(device.toString()))) {
            version = opened.attempt(Request.KVM_GET_API_VERSION, 0);
        } catch (HostException refused) {
            return refused(refused, flags);
        }
        if (version != Constants.KVM_API_VERSION) {
            String evidence = version < 0 ? "it is no KVM device: " + new Errno(-version) : "its API has version " + version;
            return new Unavailable(Reason.UNSUPPORTED_HOST, device + " opens, but " + evidence, "");
        }
        if (!hardware) {
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
            case Errno.EACCES, 1 ->
                new Unavailable(
                        Reason.NO_PERMISSION,
                        "permission to open %s denied to user %s".formatted(device, System.getProperty("user.name")),
                        permissionRemedy(device));
            default -> new Unavailable(Reason.NO_DEVICE, String.valueOf(refused.getMessage()), moduleRemedy(flags));
        };
    }

    private static String moduleRemedy(List<String> flags) {
        if (flags.contains("vmx")) return "sudo modprobe kvm_intel";
        if (flags.contains("svm")) return "sudo modprobe kvm_amd";
        return "";
    }

    /// Membership of root's group is no way to share a device, so a device left to root is given to group kvm first.
    static String permissionRemedy(Path device) {
        String join = "sudo usermod -aG %s $USER   (then log in again)";
        try {
            PosixFileAttributes of = Files.readAttributes(device, PosixFileAttributes.class);
            String group = of.group().getName();
            boolean shared = of.permissions().contains(PosixFilePermission.GROUP_WRITE) && !group.equals("root");
            if (shared) return join.formatted(group);
        } catch (IOException | UnsupportedOperationException unknown) {
            return join.formatted("kvm");
        }
        return "sudo chgrp kvm %s && sudo chmod 660 %s && ".formatted(device, device) + join.formatted("kvm");
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
    public Vm createVm(GuestMemory memory, CpuModel model) {
        return createVm(memory, model, VmOptions.DEFAULT);
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model, VmOptions choice) {
        boolean softwareOnly = availability() instanceof Unavailable not && not.reason() == Reason.SOFTWARE_ONLY;
        try {
            return KvmVm.create(KvmSystem.open(device.toString()), memory, model, softwareOnly, options, choice.kernelIrqchip());
        } catch (HostException refused) {
            throw new HypervisorException(String.valueOf(refused.getMessage()), refused);
        }
    }
}
