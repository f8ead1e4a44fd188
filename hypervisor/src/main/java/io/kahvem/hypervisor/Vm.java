package io.kahvem.hypervisor;

import io.kahvem.memory.MemorySlot;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

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

    /// Stops the guest's time: its time-stamp counters and its local APICs' timers; twice does nothing. No vCPU is in `run` from before
    /// this until after [#startTime]. Interrupts are taken meanwhile. An engine that cannot stop a timer of its host's lets it expire.
    default void stopTime() {}

    /// Lets the guest's time go on from where it stopped.
    default void startTime() {}

    /// Starts or ends noting which pages are written; before it starts, none is. Any thread.
    default void setDirtyLogging(boolean on) {
        throw new UnsupportedOperationException("this engine does not note written pages");
    }

    /// The pages of `slot` that vCPUs have written since logging started or since the last call, which forgets them; bit 0 is its first
    /// page. Any thread that is no vCPU's and holds no lock that a device takes: it may wait for vCPUs to reach the end of an instruction.
    /// A page that is written meanwhile is in this answer or in the next.
    default BitSet takeDirtyPages(MemorySlot slot) {
        throw new UnsupportedOperationException("this engine does not note written pages");
    }

    /// The machine's time in nanoseconds, which goes on from 0 or from what it was set to; KVM shows it to guests as its clock. Any thread.
    long clockNanos();

    /// Sets it, so that the guest of a machine that is restored sees none of the time between. No vCPU runs.
    void setClockNanos(long nanos);

    /// Shortcuts between a device's thread and the guest, where the engine has them.
    default Optional<Doorbells> doorbells() {
        return Optional.empty();
    }

    /// What the engine counts, by names that say what and in which unit, in the order to be shown; empty where it counts nothing. Any
    /// thread; approximate while vCPUs run.
    default SequencedMap<String, Long> counters() {
        return new LinkedHashMap<>();
    }

    /// Frees what the engine holds. Every vCPU has returned from `run` before.
    @Override
    void close();
}
