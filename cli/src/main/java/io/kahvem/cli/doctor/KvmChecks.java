package io.kahvem.cli.doctor;

import io.kahvem.host.DeviceAccess;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// What hardware virtualization there is and whether this user may have it: from the CPU's flags up to a /dev/kvm that opens.
final class KvmChecks {
    private static final String DEVICE = "/dev/kvm";
    private static final String CPUINFO = "/proc/cpuinfo";

    /// The command the field's guides teach, and the pattern its count comes from.
    private static final String GUIDE = "egrep -c '(vmx|svm)' /proc/cpuinfo";

    /// What a CPU has for it: named by the flag in /proc/cpuinfo and by the KVM module that drives it.
    private enum Extension {
        VMX("vmx", "Intel VT-x", "kvm_intel"),
        SVM("svm", "AMD-V", "kvm_amd");

        final String flag;
        final String title;
        final String module;

        Extension(String flag, String title, String module) {
            this.flag = flag;
            this.title = title;
            this.module = module;
        }
    }

    /// What opening /dev/kvm came to.
    private sealed interface Opening {
        record Absent() implements Opening {}

        record Opened() implements Opening {}

        record Refused(IOException reason) implements Opening {}
    }

    private final Host host;
    private final Optional<Extension> extension;
    private final Opening opening;

    KvmChecks(Host host) {
        this.host = host;
        this.extension = extension(host);
        this.opening = opening(host);
    }

    List<Check> all() {
        return List.of(cpu(), device(), permission(), backing(), nested());
    }

    private Check cpu() {
        String name = "CPU virtualization";
        if (!host.isX86()) {
            return Check.warn(name, host.arch() + " processor: it cannot run x86-64 guests by itself", "");
        }
        long counted = host.lines(CPUINFO).stream().filter(line -> line.contains("vmx") || line.contains("svm")).count();
        String evidence = GUIDE + ": " + counted;
        if (extension.isPresent()) return Check.pass(name, extension.get().title + " (" + evidence + ")");
        if (!host.exists(CPUINFO)) return Check.warn(name, "no " + CPUINFO + " on " + host.osName(), "");
        return Check.warn(
                name,
                "neither vmx nor svm (" + evidence + ")",
                isVirtualMachine()
                        ? "This host is itself a virtual machine: turn on nested virtualization on the host below, "
                                + "with the CPU passed through to this machine (-cpu host)."
                        : "Turn on Intel VT-x or AMD-V (SVM) in the firmware setup.");
    }

    private Check device() {
        String name = DEVICE;
        return switch (opening) {
            case Opening.Opened() -> Check.pass(name, "present");
            case Opening.Refused(IOException reason) -> Check.pass(name, "present");
            case Opening.Absent() ->
                extension
                        .map(present -> Check.fail(
                                name,
                                "absent, though the CPU has " + present.flag,
                                "sudo modprobe " + present.module + "   (in a container: start it with --device " + DEVICE + ")"))
                        .orElseGet(() -> Check.warn(name, "absent", ""));
        };
    }

    private Check permission() {
        String name = "KVM permission";
        return switch (opening) {
            case Opening.Absent() -> Check.warn(name, "not examined: no " + DEVICE, "");
            case Opening.Opened() -> Check.pass(name, DEVICE + " opens for reading and writing" + shownOwnership());
            case Opening.Refused(AccessDeniedException denied) ->
                Check.fail(name, "permission denied to user " + host.user() + shownOwnership(), permissionRemedy());
            case Opening.Refused(IOException reason) ->
                Check.fail(name, DEVICE + " does not open: " + Reasons.of(reason), "sudo dmesg | grep -i kvm");
        };
    }

    private String permissionRemedy() {
        return DeviceAccess.remedy(DEVICE, host.access(DEVICE), "kvm");
    }

    private String shownOwnership() {
        return host.access(DEVICE).map(access -> " (" + access + ")").orElse("");
    }

    private Check backing() {
        String name = "KVM backing";
        String modules = "modules: " + (modules().isEmpty() ? "none seen" : String.join(", ", modules()));
        return switch (opening) {
            case Opening.Absent() -> Check.warn(name, "not examined: no " + DEVICE, "");
            case Opening.Refused(IOException reason) -> Check.warn(name, "not examined: " + DEVICE + " does not open; " + modules, "");
            case Opening.Opened() ->
                extension
                        .map(present -> Check.pass(name, "hardware: " + present.title + "; " + modules))
                        .orElseGet(() -> Check.warn(
                                name,
                                "software only: " + DEVICE + " opens, but the CPU has neither vmx nor svm; " + modules,
                                "It emulates kernel code, too slowly and incompletely for a stock Linux: --accel auto takes engine jvm."));
        };
    }

    private Check nested() {
        String name = "nested virtualization";
        for (Extension candidate : Extension.values()) {
            String parameter = "/sys/module/" + candidate.module + "/parameters/nested";
            Optional<String> value = host.read(parameter);
            if (value.isEmpty()) continue;
            String evidence = parameter + ": " + value.get();
            return switch (value.get()) {
                case "Y", "1" -> Check.pass(name, evidence);
                default ->
                    Check.warn(
                            name,
                            evidence,
                            "echo options " + candidate.module + " nested=1 | sudo tee /etc/modprobe.d/kvm-nested.conf && sudo modprobe -r "
                                    + candidate.module + " && sudo modprobe " + candidate.module);
            };
        }
        return Check.warn(name, "neither kvm_intel nor kvm_amd is loaded", "");
    }

    /// /sys/module lists built-in modules too, which /proc/modules leaves out.
    private List<String> modules() {
        return host.names("/sys/module").stream().filter(module -> module.equals("kvm") || module.startsWith("kvm_")).toList();
    }

    /// CPUID says so to every guest, and Linux shows it as a flag.
    private boolean isVirtualMachine() {
        return flags(host).contains("hypervisor");
    }

    private static Optional<Extension> extension(Host host) {
        List<String> flags = flags(host);
        return Arrays.stream(Extension.values()).filter(candidate -> flags.contains(candidate.flag)).findFirst();
    }

    private static List<String> flags(Host host) {
        return host.lines(CPUINFO).stream()
                .filter(line -> line.startsWith("flags"))
                .findFirst()
                .map(line -> List.of(line.substring(line.indexOf(':') + 1).strip().split("\\s+")))
                .orElse(List.of());
    }

    private static Opening opening(Host host) {
        if (!host.exists(DEVICE)) return new Opening.Absent();
        try {
            host.open(DEVICE);
            return new Opening.Opened();
        } catch (IOException reason) {
            return new Opening.Refused(reason);
        }
    }
}
