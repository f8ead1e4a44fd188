package io.kahvem.apic;

/// The vCPU as its local APIC sees it. Called without the APIC's lock.
public interface ApicOwner {
    /// Something may be pending ([LocalApic#pendingVector()], [LocalApic#takeEvents()]): look at it between instructions, wake from HLT
    /// for it. Any thread.
    void attention();

    /// The timer's next expiry changed; [Long#MAX_VALUE] for none. The vCPU's own thread, or the one in [LocalApic#tick].
    default void timerSet(long deadlineNanos) {}

    /// A level-triggered interrupt ended; the IOAPIC is to hear of it. The vCPU's own thread.
    default void endOfInterrupt(int vector) {}
}
