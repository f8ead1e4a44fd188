package io.kahvem.devices.pci;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.MsiSink;
import java.util.Arrays;

/// The MSI-X capability (PCI Local Bus 3.0, 6.8.2): a table of a message and a mask for each vector, and pending bits after it.
///
/// Lock: this object's monitor, taken last; messages are sent under it.
public final class MsiX {
    static final int ID = 0x11;
    static final int BYTES = 12;

    private static final int ENABLE_BIT = 1 << 15;
    private static final int MASK_ALL = 1 << 14;
    /// Enable and Function Mask.
    static final int CONTROL_WRITABLE = ENABLE_BIT | MASK_ALL;
    private static final int ENTRY_BYTES = 16;
    private static final int ENTRY_WORDS = 4;
    private static final int VECTOR_CONTROL = 3;
    private static final int MASKED = 1;
    private static final int MAX_VECTORS = 2048;

    private final int offset;
    private final int vectors;
    private final MsiSink sink;
    private final int[] table;
    private final long[] pending;
    private int control;

    MsiX(int offset, int vectors, MsiSink sink) {
        if (vectors < 1 || vectors > MAX_VECTORS) throw new IllegalArgumentException(vectors + " MSI-X vectors");
        this.offset = offset;
        this.vectors = vectors;
        this.sink = sink;
        table = new int[vectors * ENTRY_WORDS];
        pending = new long[(vectors + 63) / 64];
        clear();
    }

    int offset() {
        return offset;
    }

    public int vectors() {
        return vectors;
    }

    /// Where the pending bits begin, counted from the table.
    int pendingOffset() {
        return vectors * ENTRY_BYTES;
    }

    /// A power of two with room for the table and the pending bits, at least a page.
    public int structureBytes() {
        return Math.max(4096, Integer.highestOneBit(2 * (pendingOffset() + 8 * pending.length) - 1));
    }

    /// The table and, at its end, the pending bits.
    public IoDevice structures() {
        return new IoDevice() {
            @Override
            public long read(long at, int size) {
                long low = readWord((int) at & ~3) & 0xffff_ffffL;
                if (size == 8) return low | (long) readWord((int) at + 4) << 32;
                return low >>> 8 * (at & 3);
            }

            /// 6.8.2: software writes whole words or pairs of them.
            @Override
            public void write(long at, int size, long value) {
                if (size < 4 || (at & 3) != 0) return;
                writeWord((int) at, (int) value);
                if (size == 8) writeWord((int) at + 4, (int) (value >>> 32));
            }
        };
    }

    /// Whether the guest has turned it on: neither the pin nor MSI is to be used then.
    public synchronized boolean enabled() {
        return (control & ENABLE_BIT) != 0;
    }

    /// Sends a vector's message, or notes it as pending while it is masked. A vector that is not there, or any while MSI-X is off, does
    /// nothing.
    public synchronized void signal(int vector) {
        if ((control & ENABLE_BIT) == 0 || vector < 0 || vector >= vectors) return;
        if (isMasked(vector)) {
            pending[vector >> 6] |= 1L << vector;
        } else {
            send(vector);
        }
    }

    synchronized void setControl(int value) {
        control = value & CONTROL_WRITABLE;
        for (int word = 0; word < pending.length; word++) {
            for (long left = pending[word]; left != 0; left &= left - 1) release(64 * word + Long.numberOfTrailingZeros(left));
        }
    }

    synchronized void reset() {
        clear();
    }

    private void clear() {
        control = 0;
        Arrays.fill(table, 0);
        Arrays.fill(pending, 0);
        for (int i = 0; i < vectors; i++) table[i * ENTRY_WORDS + VECTOR_CONTROL] = MASKED;
    }

    private synchronized int readWord(int at) {
        int word = at / 4;
        if (word < table.length) return table[word];
        int bits = word - table.length;
        return bits / 2 < pending.length ? (int) (pending[bits / 2] >>> 32 * (bits & 1)) : 0;
    }

    private synchronized void writeWord(int at, int value) {
        int word = at / 4;
        if (word >= table.length) return; // the pending bits are the device's
        table[word] = switch (word % ENTRY_WORDS) {
            case 0 -> value & ~3;
            case VECTOR_CONTROL -> value & MASKED;
            default -> value;
        };
        release(word / ENTRY_WORDS);
    }

    /// Sends what is pending of a vector that may go now.
    private void release(int vector) {
        if ((pending[vector >> 6] & 1L << vector) == 0 || (control & ENABLE_BIT) == 0 || isMasked(vector)) return;
        pending[vector >> 6] &= ~(1L << vector);
        send(vector);
    }

    private boolean isMasked(int vector) {
        return (control & MASK_ALL) != 0 || (table[vector * ENTRY_WORDS + VECTOR_CONTROL] & MASKED) != 0;
    }

    private void send(int vector) {
        int at = vector * ENTRY_WORDS;
        sink.send(table[at] & 0xffff_ffffL | (long) table[at + 1] << 32, table[at + 2]);
    }
}
