package io.kahvem.jvm.mmu;

import static io.kahvem.memory.GuestMemory.PAGE_SIZE;

import io.kahvem.host.Words;

/// The pieces of [Mmu]'s fast paths, for generated code that branches to its slow path itself: small enough that every HotSpot compiler
/// inlines them. The table is [io.kahvem.jvm.cpu.Cpu#readTable] or `writeTable`.
public final class Inline {
    private Inline() {}

    /// The native address of the TLB entry for `gva`.
    public static long entry(long table, long gva) {
        return table + (gva >>> 8 & Tlb.ENTRY_MASK);
    }

    /// Whether the entry holds the page of `last`, the access's last byte.
    public static boolean hit(long entry, long last) {
        return Words.getPlain64(entry) == (last & -PAGE_SIZE);
    }

    /// The native address of `gva` by an entry that was hit.
    public static long host(long entry, long gva) {
        return gva + Words.getPlain64(entry + 8);
    }

    public static long get8(long host) {
        return Words.get8(host) & 0xffL;
    }

    public static long get16(long host) {
        return Words.get16(host) & 0xffffL;
    }

    public static long get32(long host) {
        return Words.get32(host) & 0xffff_ffffL;
    }

    public static long get64(long host) {
        return Words.get64(host);
    }

    public static void put8(long host, long value) {
        Words.put8(host, (byte) value);
    }

    public static void put16(long host, long value) {
        Words.put16(host, (short) value);
    }

    public static void put32(long host, long value) {
        Words.put32(host, (int) value);
    }

    public static void put64(long host, long value) {
        Words.put64(host, value);
    }
}
