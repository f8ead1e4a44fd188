package io.kahvem.cli.doctor;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;

/// A host made of files under a temporary directory. Starts as a Linux with memory and a JDK, and nothing else.
final class FakeHost {
    private final Path root;
    private final Set<Path> refused = new HashSet<>();
    private Host.Jdk jdk = new Host.Jdk(25, "25.0.1+8-LTS", "Eclipse Adoptium", "/opt/jdk-25");
    private String osName = "Linux";
    private String arch = "amd64";

    FakeHost(Path root) {
        this.root = root;
        file("/proc/meminfo", """
                MemTotal:       16000000 kB
                MemAvailable:    8388608 kB
                HugePages_Total:       0
                """);
        file("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet");
        file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    }

    FakeHost intelCpus(int cpus) {
        return cpus(cpus, "GenuineIntel", "fpu vme sse4_2 vmx smx");
    }

    FakeHost amdCpus(int cpus) {
        return cpus(cpus, "AuthenticAMD", "fpu vme sse4_2 svm npt");
    }

    FakeHost cpusWithoutVirtualization(int cpus) {
        return cpus(cpus, "AuthenticAMD", "fpu vme sse4_2 hypervisor");
    }

    private FakeHost cpus(int cpus, String vendor, String flags) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < cpus; i++) {
            text.append("processor\t: %d\nvendor_id\t: %s\nflags\t\t: %s\nbugs\t\t: spectre_v1\n\n".formatted(i, vendor, flags));
        }
        return file("/proc/cpuinfo", text.toString());
    }

    FakeHost file(String absolute, String text) {
        try {
            Path path = path(absolute);
            Files.createDirectories(path.getParent());
            Files.writeString(path, text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return this;
    }

    FakeHost directory(String absolute) {
        try {
            Files.createDirectories(path(absolute));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return this;
    }

    FakeHost device(String absolute, String permissions) {
        file(absolute, "");
        try {
            Files.setPosixFilePermissions(path(absolute), PosixFilePermissions.fromString(permissions));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return this;
    }

    /// The tests may run as root, whom no file mode stops: so the kernel's refusal is made up.
    FakeHost refusing(String absolute) {
        refused.add(path(absolute));
        return this;
    }

    FakeHost jdk(int feature, String version) {
        jdk = new Host.Jdk(feature, version, jdk.vendor(), jdk.home());
        return this;
    }

    FakeHost system(String osName, String arch) {
        this.osName = osName;
        this.arch = arch;
        return this;
    }

    Host host() {
        return new Host(root, osName, arch, "ayse", jdk, device -> {
            if (refused.contains(device)) throw new AccessDeniedException(device.toString());
            if (!Files.exists(device)) throw new AssertionError(device + " opened without being there");
        });
    }

    private Path path(String absolute) {
        return root.resolve(absolute.substring(1));
    }
}
