package io.kahvem.hypervisor;

/// A virtual machine of one engine: its vCPUs, their local APICs, and how interrupts reach them.
public interface Vm extends AutoCloseable {
    /// Creates the vCPU with this APIC id. Id 0 is the bootstrap processor; the others wait for INIT and SIPI inside [Vcpu#run].
    Vcpu createVcpu(int apicId);

    /// Delivers a message-signalled interrupt (address and data as in SDM Vol. 3A, 12.11); the IOAPIC's messages take this form too.
    /// Any thread.
    void sendMsi(long address, int data);

    /// The level of the 8259 pair's INTR output, wired to every local APIC's LINT0. Any thread.
    void setIntr(boolean level);

    /// Pulses the bootstrap processor's NMI input (LINT1). Any thread.
    void injectNmi();

    /// Frees what the engine holds. Every vCPU has returned from `run` before.
    @Override
    void close();
}
