package io.kahvem.hypervisor;

/// The machine around a vCPU, as its instructions reach it. Called on vCPU threads; `size` is in bytes: 1, 2 or 4 for ports, 1, 2, 4 or 8
/// for memory. Of a value, the low `size` bytes count.
public interface VmIo {
    long portRead(int port, int size);

    void portWrite(int port, int size, long value);

    long mmioRead(long gpa, int size);

    void mmioWrite(long gpa, int size, long value);

    /// The interrupt-acknowledge cycle of an ExtINT: the vector from the 8259 pair.
    int acknowledgeInterrupt();

    /// A local APIC broadcast the end of a level-triggered interrupt (to the IOAPIC).
    void endOfInterrupt(int vector);
}
