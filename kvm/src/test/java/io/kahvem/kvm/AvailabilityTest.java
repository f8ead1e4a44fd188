package io.kahvem.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.memory.GuestMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the engine says of hosts that cannot run it, and of this one.
class AvailabilityTest {
    @TempDir
    private Path directory;

    private Unavailable on(Path device, String flags) throws IOException {
        Path cpuInfo = Files.writeString(directory.resolve("cpuinfo"), "processor : 0\nflags : fpu " + flags + "\n");
        Availability availability = new KvmHypervisor(device, cpuInfo).availability();
        assertThat(availability).isInstanceOf(Unavailable.class);
        return (Unavailable) availability;
    }

    @Test
    void withoutTheDeviceTheModuleIsNamed() throws IOException {
        Path device = directory.resolve("kvm");
        assertThat(on(device, "vmx")).isEqualTo(new Unavailable(Reason.NO_DEVICE, "there is no " + device, "sudo modprobe kvm_intel"));
        assertThat(on(device, "svm").remedy()).isEqualTo("sudo modprobe kvm_amd");
        assertThat(on(device, "sse2").remedy()).isEmpty();
    }

    @Test
    void aFileThatIsNoDeviceIsToldFromKvm() throws IOException {
        Path device = Files.createFile(directory.resolve("kvm"));
        Unavailable found = on(device, "vmx");
        assertThat(found.reason()).isEqualTo(Reason.UNSUPPORTED_HOST);
        assertThat(found.evidence()).contains("no KVM device", "ENOTTY");
    }

    @Test
    void aRefusalNamesTheGroupAndTheCommand() throws IOException {
        Assumptions.assumeFalse(System.getProperty("user.name").equals("root"), "no file mode stops root");
        Path device = Files.createFile(directory.resolve("kvm"));
        Files.setPosixFilePermissions(device, PosixFilePermissions.fromString("---------"));
        Unavailable found = on(device, "vmx");
        assertThat(found.reason()).isEqualTo(Reason.NO_PERMISSION);
        assertThat(found.remedy()).contains("usermod -aG", "$USER");
    }

    @Test
    void aVmOnAHostWithoutTheDeviceIsRefusedWithTheReason() {
        KvmHypervisor engine = new KvmHypervisor(directory.resolve("kvm"), directory.resolve("cpuinfo"));
        try (GuestMemory memory = new GuestMemory()) {
            assertThatThrownBy(() -> engine.createVm(memory, new CpuModel(1, 1_000_000)))
                    .isInstanceOf(HypervisorException.class)
                    .hasMessageContaining("cannot open").hasMessageContaining("ENOENT");
        }
    }

    @Test
    void aDeviceOnACpuWithoutVirtualizationIsSoftwareOnly() throws IOException {
        Kvm.orSkip();
        Unavailable found = on(Path.of("/dev/kvm"), "sse2");
        assertThat(found.reason()).isEqualTo(Reason.SOFTWARE_ONLY);
        assertThat(found.evidence()).contains("/dev/kvm opens", "neither vmx nor svm");
    }

    @Test
    void aDeviceOnACpuWithVirtualizationIsAvailable() throws IOException {
        Kvm.orSkip();
        Path cpuInfo = Files.writeString(directory.resolve("cpuinfo"), "flags : fpu vmx\n");
        Availability availability = new KvmHypervisor(Path.of("/dev/kvm"), cpuInfo).availability();
        assertThat(availability).isEqualTo(new Availability.Available());
    }

    @Test
    void itsFeaturesAreThoseOfTheDeviceAndNoneWithoutIt() throws IOException {
        KvmHypervisor without = new KvmHypervisor(directory.resolve("kvm"), directory.resolve("cpuinfo"));
        assertThat(without.features()).isEmpty();
        Kvm.orSkip();
        assertThat(new KvmHypervisor().features()).allSatisfy(feature -> {
            assertThat(feature.name()).isNotBlank();
            assertThat(feature.present() || !feature.otherwise().isBlank()).as(feature.name()).isTrue();
        }).anySatisfy(feature -> assertThat(feature.name()).contains("CPUs a machine"));
    }
}
