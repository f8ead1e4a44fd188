package io.kahvem.cli.doctor;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What a virtual machine wants of its host whichever engine runs it.
final class HostChecks {
    /// The guests of the README take 512 MiB, and the engine in Java up to 200 MiB of its own.
    private static final long ENOUGH_MIB = 1024;

    private static final long LEAST_MIB = 256;
    private static final int JDK = 25;

    private final Host host;

    HostChecks(Host host) {
        this.host = host;
    }

    List<Check> all() {
        return List.of(iommu(), hugePages(), tun(), memory(), jdk());
    }

    private Check iommu() {
        String name = "IOMMU";
        List<String> units = host.names("/sys/class/iommu");
        int groups = host.names("/sys/kernel/iommu_groups").size();
        String asked = host.read("/proc/cmdline").stream()
                .flatMap(line -> Arrays.stream(line.split("\\s+")))
                .filter(word -> word.startsWith("intel_iommu=") || word.startsWith("amd_iommu=") || word.startsWith("iommu="))
                .reduce((a, b) -> a + " " + b)
                .orElse("no iommu option");
        String found = units.isEmpty() ? "no unit in /sys/class/iommu" : String.join(", ", units);
        String evidence = found + "; " + groups + " groups; kernel command line: " + asked;
        if (!units.isEmpty() && groups > 0) return Check.pass(name, evidence);
        String remedy = "Needed only to hand a PCI device to a guest: turn on VT-d or AMD-Vi in the firmware setup";
        return Check.warn(name, evidence, isIntel() ? remedy + " and add intel_iommu=on to the kernel command line." : remedy + ".");
    }

    private boolean isIntel() {
        return host.lines("/proc/cpuinfo").stream().anyMatch(line -> line.startsWith("vendor_id") && line.contains("GenuineIntel"));
    }

    private Check hugePages() {
        String name = "huge pages";
        String thp = "/sys/kernel/mm/transparent_hugepage/enabled";
        long total = meminfo("HugePages_Total").orElse(0);
        // The policy in force is the word in brackets: "always [madvise] never".
        Optional<String> policy = host.read(thp)
                .filter(text -> text.contains("[") && text.contains("]"))
                .map(text -> text.substring(text.indexOf('[') + 1, text.indexOf(']')));
        String evidence = "HugePages_Total: " + total + ", transparent: " + policy.orElse("not in this kernel");
        boolean transparent = policy.filter(word -> !word.equals("never")).isPresent();
        if (total > 0 || transparent) return Check.pass(name, evidence);
        String reserve = host.isLinux() ? "sudo sysctl vm.nr_hugepages=512" : "";
        return Check.warn(name, evidence, policy.isPresent() ? "echo madvise | sudo tee " + thp : reserve);
    }

    private Check tun() {
        String name = "tun";
        String device = "/dev/net/tun";
        if (!host.exists(device)) {
            return Check.warn(name, "no " + device, host.isLinux() ? "sudo modprobe tun   (only --net tap needs it)" : "");
        }
        try {
            host.open(device);
            return Check.pass(name, device + " opens for reading and writing");
        } catch (IOException refused) {
            String evidence = device + " does not open: " + Reasons.of(refused);
            return Check.warn(name, evidence, "sudo chmod 666 " + device + "   (only --net tap needs it)");
        }
    }

    private Check memory() {
        String name = "memory";
        OptionalLong available = meminfo("MemAvailable");
        if (available.isEmpty()) return Check.warn(name, "not known: no MemAvailable in /proc/meminfo", "");
        long mib = available.getAsLong() / 1024;
        String evidence = mib + " MiB available (MemAvailable in /proc/meminfo)";
        String remedy = "Close programs, or give the guest less: --memory 256M.";
        if (mib < LEAST_MIB) return Check.fail(name, evidence, remedy);
        return mib < ENOUGH_MIB ? Check.warn(name, evidence, remedy) : Check.pass(name, evidence);
    }

    private Check jdk() {
        String name = "JDK";
        Host.Jdk jdk = host.jdk();
        String evidence = jdk.version() + ", " + jdk.vendor() + ", " + jdk.home();
        if (jdk.feature() >= JDK) return Check.pass(name, evidence);
        return Check.fail(name, evidence + "; " + JDK + " or later is needed", "Install JDK 25 and set JAVA_HOME to it.");
    }

    /// A number of /proc/meminfo (proc_meminfo(5)): KiB, or a count for huge pages.
    private OptionalLong meminfo(String field) {
        return host.lines("/proc/meminfo").stream()
                .filter(line -> line.startsWith(field + ":"))
                .map(line -> line.substring(field.length() + 1).strip().split("\\s+")[0])
                .filter(number -> !number.isEmpty() && number.chars().allMatch(c -> c >= '0' && c <= '9') && number.length() < 19)
                .mapToLong(Long::parseLong)
                .findFirst();
    }
}
