package io.kahvem.cli.doctor;

import static io.kahvem.cli.doctor.Status.FAIL;
import static io.kahvem.cli.doctor.Status.PASS;
import static io.kahvem.cli.doctor.Status.WARN;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.Hypervisor.Feature;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiagnosisTest {
    @TempDir
    Path root;

    private FakeHost fake;

    @BeforeEach
    void aBareLinux() {
        fake = new FakeHost(root);
    }

    @Test
    void onAHardwareHostEverythingPasses() {
        fake.intelCpus(4)
                .device("/dev/kvm", "rw-rw----")
                .device("/dev/net/tun", "rw-rw-rw-")
                .directory("/sys/module/kvm")
                .file("/sys/module/kvm_intel/parameters/nested", "Y\n")
                .directory("/sys/class/iommu/dmar0")
                .directory("/sys/kernel/iommu_groups/0")
                .directory("/sys/kernel/iommu_groups/1")
                .file("/proc/cmdline", "root=/dev/sda1 intel_iommu=on iommu=pt");
        Diagnosis diagnosis = diagnose();
        assertThat(diagnosis.checks()).allSatisfy(check -> {
            assertThat(check.status()).as(check.name()).isEqualTo(PASS);
            assertThat(check.remedy()).isEmpty();
            assertThat(check.evidence()).isNotBlank();
        });
        assertThat(check("CPU virtualization").evidence()).isEqualTo("Intel VT-x (egrep -c '(vmx|svm)' /proc/cpuinfo: 4)");
        assertThat(check("KVM backing").evidence()).isEqualTo("hardware: Intel VT-x; modules: kvm, kvm_intel");
        assertThat(check("nested virtualization").evidence()).isEqualTo("/sys/module/kvm_intel/parameters/nested: Y");
        assertThat(check("IOMMU").evidence()).isEqualTo("dmar0; 2 groups; kernel command line: intel_iommu=on iommu=pt");
    }

    @Test
    void aDeviceOnACpuWithoutVirtualizationIsSoftwareOnlyWithTheModulesAsEvidence() {
        fake.cpusWithoutVirtualization(2)
                .device("/dev/kvm", "rw-rw-rw-")
                .directory("/sys/module/kvm")
                .directory("/sys/module/kvm_pvm")
                .directory("/sys/module/ext4");
        assertThat(check("/dev/kvm").status()).isEqualTo(PASS);
        assertThat(check("KVM permission").status()).isEqualTo(PASS);
        Check backing = check("KVM backing");
        assertThat(backing.status()).isEqualTo(WARN);
        assertThat(backing.evidence()).contains("software only", "neither vmx nor svm", "kvm, kvm_pvm").doesNotContain("ext4");
        assertThat(backing.remedy()).contains("engine jvm");
        Check cpu = check("CPU virtualization");
        assertThat(cpu.status()).isEqualTo(WARN);
        assertThat(cpu.evidence()).contains("/proc/cpuinfo: 0");
        assertThat(cpu.remedy()).contains("itself a virtual machine", "nested");
        assertThat(check("nested virtualization").evidence()).isEqualTo("neither kvm_intel nor kvm_amd is loaded");
    }

    @Test
    void aMissingDeviceOnACapableCpuFailsAndNamesTheModuleToLoad() {
        fake.amdCpus(8);
        Check device = check("/dev/kvm");
        assertThat(device.status()).isEqualTo(FAIL);
        assertThat(device.evidence()).contains("absent", "svm");
        assertThat(device.remedy()).startsWith("sudo modprobe kvm_amd");
        assertThat(check("KVM permission").evidence()).isEqualTo("not examined: no /dev/kvm");
    }

    @Test
    void aMissingDeviceOnACpuWithoutVirtualizationIsNothingToMend() {
        fake.cpusWithoutVirtualization(1);
        assertThat(check("/dev/kvm")).isEqualTo(new Check("/dev/kvm", WARN, "absent", ""));
    }

    @Test
    void aDeviceThatRefusesThisUserFailsAndNamesTheGroupToJoin() throws Exception {
        fake.intelCpus(1).device("/dev/kvm", "rw-rw----").refusing("/dev/kvm");
        Check permission = check("KVM permission");
        String group = fake.host().access("/dev/kvm").orElseThrow().group();
        assertThat(permission.status()).isEqualTo(FAIL);
        assertThat(permission.evidence()).contains("permission denied to user ayse", "rw-rw----", ":" + group);
        // A temporary file's group is the tester's own; only if that is root's does the remedy first hand the device to group kvm.
        assertThat(permission.remedy()).contains("sudo usermod -aG " + (group.equals("root") ? "kvm" : group) + " $USER");
        assertThat(check("KVM backing").evidence()).startsWith("not examined: /dev/kvm does not open");
    }

    @Test
    void aDeviceClosedToItsGroupIsFirstOpenedToGroupKvm() {
        fake.intelCpus(1).device("/dev/kvm", "rw-------").refusing("/dev/kvm");
        assertThat(check("KVM permission").remedy())
                .contains("sudo chgrp kvm /dev/kvm && sudo chmod 660 /dev/kvm && sudo usermod -aG kvm $USER");
    }

    @Test
    void whatAnEngineHasAndHasNotIsOneFinding() {
        Feature a = new Feature("a", true, "");
        FakeEngine whole = new FakeEngine("whole", new Availability.Available(), List.of(a, new Feature("b", true, "")));
        FakeEngine part = new FakeEngine("part", new Availability.Available(), List.of(a, new Feature("b", false, "slow")));
        assertThat(Diagnosis.of(fake.host(), List.of(whole, part)).checks())
                .contains(new Check("engine whole has", PASS, "a, b", ""))
                .contains(new Check("engine part has", WARN, "a; has not: b (slow)", ""));
    }

    @Test
    void nestedVirtualizationTurnedOffSaysHowToTurnItOn() {
        fake.intelCpus(1).file("/sys/module/kvm_intel/parameters/nested", "N");
        assertThat(check("nested virtualization").status()).isEqualTo(WARN);
        assertThat(check("nested virtualization").remedy()).contains("nested=1", "modprobe -r kvm_intel");
    }

    @Test
    void withoutAnIommuOnIntelTheKernelOptionIsNamed() {
        fake.intelCpus(1);
        assertThat(check("IOMMU").status()).isEqualTo(WARN);
        assertThat(check("IOMMU").evidence()).contains("no unit", "0 groups", "no iommu option");
        assertThat(check("IOMMU").remedy()).contains("intel_iommu=on");
        fake.amdCpus(1);
        assertThat(check("IOMMU").remedy()).doesNotContain("intel_iommu");
    }

    @Test
    void hugePagesPassByAReserveOrByThePolicy() {
        assertThat(check("huge pages").evidence()).isEqualTo("HugePages_Total: 0, transparent: madvise");
        assertThat(check("huge pages").status()).isEqualTo(PASS);
        fake.file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]");
        assertThat(check("huge pages").status()).isEqualTo(WARN);
        assertThat(check("huge pages").remedy()).contains("echo madvise | sudo tee");
        fake.file("/proc/meminfo", "HugePages_Total:     512\n");
        assertThat(check("huge pages").status()).isEqualTo(PASS);
    }

    @Test
    void aTunDeviceThatIsAbsentOrRefusesIsAWarning() {
        assertThat(check("tun").remedy()).startsWith("sudo modprobe tun");
        fake.device("/dev/net/tun", "rw-------").refusing("/dev/net/tun");
        assertThat(check("tun").status()).isEqualTo(WARN);
        assertThat(check("tun").evidence()).contains("permission denied");
    }

    @Test
    void littleMemoryIsAWarningAndTooLittleAFailure() {
        assertThat(check("memory").evidence()).startsWith("8192 MiB available");
        fake.file("/proc/meminfo", "MemAvailable:  716800 kB\n");
        assertThat(check("memory").status()).isEqualTo(WARN);
        fake.file("/proc/meminfo", "MemAvailable:  102400 kB\n");
        assertThat(check("memory").status()).isEqualTo(FAIL);
        for (String unreadable : new String[] {"", "MemAvailable:", "MemAvailable: -1 kB", "MemAvailable: 99999999999999999999 kB"}) {
            fake.file("/proc/meminfo", unreadable);
            assertThat(check("memory").status()).as(unreadable).isEqualTo(WARN);
        }
    }

    @Test
    void anOlderJdkFails() {
        fake.jdk(21, "21.0.8+9");
        assertThat(check("JDK").status()).isEqualTo(FAIL);
        assertThat(check("JDK").evidence()).contains("21.0.8+9", "25 or later");
        fake.jdk(26, "26+36");
        assertThat(check("JDK").status()).isEqualTo(PASS);
    }

    @Test
    void aHostThatIsNotLinuxIsExaminedWithoutAFailure(@TempDir Path empty) {
        Host mac = new Host(empty, "Mac OS X", "aarch64", "ayse", fake.host().jdk(), device -> {});
        Diagnosis diagnosis = Diagnosis.of(mac, List.of(new FakeEngine("jvm", new Availability.Available())));
        assertThat(diagnosis.checks()).noneMatch(check -> check.status() == FAIL);
        assertThat(diagnosis.engines()).containsExactly("jvm");
    }

    @Test
    void theEnginesThatCanRunAreListed() {
        Diagnosis diagnosis = Diagnosis.of(
                fake.host(),
                List.of(
                        new FakeEngine("kvm", new Availability.Unavailable(Availability.Reason.NO_DEVICE, "no /dev/kvm", "modprobe kvm")),
                        new FakeEngine("jvm", new Availability.Available())));
        assertThat(diagnosis.engines()).containsExactly("jvm");
        assertThat(diagnosis.checks()).contains(new Check("engine kvm", WARN, "no /dev/kvm", "modprobe kvm"));
    }

    @Test
    void withoutAnEngineTheDiagnosisFails() {
        Diagnosis diagnosis = Diagnosis.of(fake.host(), List.of());
        assertThat(diagnosis.engines()).isEmpty();
        assertThat(diagnosis.checks()).contains(new Check("engines", FAIL, "none installed", ""));
    }

    @Test
    void theSandboxIsAsWholeAsTheKernelMakesIt() {
        assertThat(SandboxCheck.of(7, Optional.empty(), Optional.empty()).status()).isEqualTo(PASS);
        Check off = SandboxCheck.of(0, Optional.of("Landlock is switched off: the kernel's option lsm= lacks it"), Optional.empty());
        assertThat(off.status()).isEqualTo(WARN);
        assertThat(off.remedy()).contains("Add landlock to lsm=");
        assertThat(SandboxCheck.of(0, Optional.of("no a"), Optional.of("no b")).evidence()).isEqualTo("no a; no b");
        assertThat(diagnose().with(off).checks()).containsSubsequence(off, diagnose().checks().getLast());
    }

    private Diagnosis diagnose() {
        return Diagnosis.of(fake.host(), List.of(new FakeEngine("jvm", new Availability.Available())));
    }

    private Check check(String name) {
        return diagnose().checks().stream().filter(check -> check.name().equals(name)).findFirst().orElseThrow();
    }
}
