package io.kahvem.jvm.mmu;

import static io.kahvem.memory.GuestMemory.PAGE_SIZE;

import io.kahvem.host.Words;
import java.lang.foreign.Arena;

/// The software TLB: for each privilege a table for loads and one for stores, each 4,096 direct-mapped entries of 16 bytes: the linear
/// page, and what to add to a linear address to get a native one. A page not in the table for stores may still be stored to, the slow way.
///
/// Non-global fills are logged, so that a change of address space clears just those (docs/design/engine.md has the measurements).
final class Tlb {
    static final int SUPERVISOR = 0;
    static final int USER = 1;
    /// Supervisor with RFLAGS.AC set under SMAP: user pages may be accessed.
    static final int SUPERVISOR_AC = 2;

    static final int ENTRIES = 4096;
    /// `gva >>> 8 & ENTRY_MASK` is the byte offset of the entry for `gva`.
    static final long ENTRY_MASK = (ENTRIES - 1) * 16L;

    private static final int PRIVILEGES = 3;
    private static final long TABLE_BYTES = ENTRIES * 16L;
    private static final long EMPTY = -1;

    private final Arena arena = Arena.ofAuto();
    private final long tables = arena.allocate(2 * PRIVILEGES * TABLE_BYTES, PAGE_SIZE).address();

    /// Offsets from `tables` of entries with non-global translations.
    private final int[] log = new int[2 * ENTRIES];

    private int logged;
    private boolean logOverflow;

    /// Bit `gva >>> 30 & 63` is set once a translation of a large page in that gigabyte (of 64) was filled: INVLPG must drop more than one
    /// entry there.
    private long largeRegions;

    boolean caching = true;

    Tlb() {
        flush();
    }

    long readTable(int privilege) {
        return tables + 2 * privilege * TABLE_BYTES;
    }

    long writeTable(int privilege) {
        return readTable(privilege) + TABLE_BYTES;
    }

    void fill(long gva, long addend, int privilege, boolean write, boolean global, boolean large) {
        put(readTable(privilege), gva, addend, global);
        if (write) put(writeTable(privilege), gva, addend, global);
        if (large) largeRegions |= 1L << (gva >>> 30 & 63);
    }

    private void put(long table, long gva, long addend, boolean global) {
        long entry = table + (gva >>> 8 & ENTRY_MASK);
        Words.putPlain64(entry, gva & -PAGE_SIZE);
        Words.putPlain64(entry + 8, addend);
        if (global) return;
        if (logged < log.length) {
            log[logged++] = (int) (entry - tables);
        } else {
            logOverflow = true;
        }
    }

    void flushNonGlobal() {
        if (logOverflow) {
            flush();
            return;
        }
        for (int i = 0; i < logged; i++) Words.putPlain64(tables + log[i], EMPTY);
        logged = 0;
    }

    void flush() {
        Words.fill(tables, 2 * PRIVILEGES * TABLE_BYTES, (byte) EMPTY);
        logged = 0;
        logOverflow = false;
        largeRegions = 0;
    }

    void flushWritable() {
        for (int p = 0; p < PRIVILEGES; p++) Words.fill(writeTable(p), TABLE_BYTES, (byte) EMPTY);
    }

    void invalidatePage(long gva) {
        if ((largeRegions >>> (gva >>> 30 & 63) & 1) != 0) {
            flush();
            return;
        }
        long page = gva & -PAGE_SIZE;
        for (int t = 0; t < 2 * PRIVILEGES; t++) {
            long entry = tables + t * TABLE_BYTES + (gva >>> 8 & ENTRY_MASK);
            if (Words.getPlain64(entry) == page) Words.putPlain64(entry, EMPTY);
        }
    }
}
