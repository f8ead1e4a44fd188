package io.kahvem.hypervisor;

/// What a machine's CPUs are: fixed when the machine is made, the same on every engine that runs it.
///
/// @param vcpus how many logical processors the machine has, 1 to 255; APIC ids are 0 to vcpus - 1
/// @param tscKhz the rate of the time-stamp counter in kHz, which CPUID leaf 15H tells the guest
public record CpuModel(int vcpus, long tscKhz) {
    public static final int MAX_VCPUS = 255;

    public CpuModel {
        if (vcpus < 1 || vcpus > MAX_VCPUS) throw new IllegalArgumentException("a machine has 1 to " + MAX_VCPUS + " CPUs, not " + vcpus);
        if (tscKhz < 1_000) throw new IllegalArgumentException("TSC rate of " + tscKhz + " kHz");
    }
}
