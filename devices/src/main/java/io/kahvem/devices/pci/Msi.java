package io.kahvem.devices.pci;

import io.kahvem.devices.MsiSink;

/// The MSI capability (PCI Local Bus 3.0, 6.8.1), in the form with a 64-bit address and a mask for each vector.
///
/// Lock: this object's monitor, taken last; messages are sent under it.
public final class Msi {
    static final int ID = 0x05;
    static final int BYTES = 24;
    /// Enable and Multiple Message Enable.
    static final int CONTROL_WRITABLE = 1 | 7 << 4;

    private static final int ENABLE = 1;
    private static final int WIDE_ADDRESS = 1 << 7;
    private static final int MASKABLE = 1 << 8;
    private static final int PENDING_BITS = 20;

    private final int offset;
    private final int vectors;
    private final MsiSink sink;
    private int control;
    private long address;
    private int data;
    private int mask;
    private int pending;

    Msi(int offset, int vectors, MsiSink sink) {
        if (Integer.bitCount(vectors) != 1 || vectors > 32) throw new IllegalArgumentException(vectors + " MSI vectors");
        this.offset = offset;
        this.vectors = vectors;
        this.sink = sink;
    }

    int offset() {
        return offset;
    }

    int initialControl() {
        return WIDE_ADDRESS | MASKABLE | Integer.numberOfTrailingZeros(vectors) << 1;
    }

    int allVectors() {
        return vectors == 32 ? -1 : (1 << vectors) - 1;
    }

    /// Whether the guest has turned it on: the pin is not to be used then.
    public synchronized boolean enabled() {
        return (control & ENABLE) != 0;
    }

    /// Sends vector 0 to `vectors - 1`: in its data's place the low bits that the guest allows, later if it is masked. Nothing while MSI
    /// is off.
    public synchronized void signal(int vector) {
        if ((control & ENABLE) == 0) return;
        int allowed = Math.min(vectors, 1 << (control >> 4 & 7));
        int sent = vector & allowed - 1;
        if ((mask & 1 << sent) != 0) {
            pending |= 1 << sent;
        } else {
            sink.send(address, data & -allowed | sent);
        }
    }

    synchronized void set(int newControl, long newAddress, int newData, int newMask) {
        control = newControl;
        address = newAddress;
        data = newData;
        mask = newMask;
        if ((control & ENABLE) == 0) {
            pending = 0;
            return;
        }
        int due = pending & ~mask;
        pending &= mask;
        for (; due != 0; due &= due - 1) signal(Integer.numberOfTrailingZeros(due));
    }

    /// What the pending bits add to a read of configuration space.
    synchronized int pendingAt(int at, int size) {
        return (at & ~3) == offset + PENDING_BITS ? pending >>> 8 * (at & 3) & (size == 4 ? -1 : (1 << 8 * size) - 1) : 0;
    }
}
