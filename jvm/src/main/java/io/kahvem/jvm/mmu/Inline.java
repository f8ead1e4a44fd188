package io.kahvem.jvm.mmu;

import static io.kahvem.memory.GuestMemory.PAGE_SIZE;

import io.kahvem.host.Words;
import io.kahvem.jvm.cpu.Cpu;

/// [Mmu]'s fast paths for generated code, which gets the native address of what it accesses: small enough that every HotSpot compiler
/// inlines them (35 bytecodes). Tables are [io.kahvem.jvm.cpu.Cpu#readTable] and `writeTable`.
public final class Inline {
    private Inline() {}

    /// The native address for a load of `last + 1` bytes at `gva`, or 0 where the interpreter has to do it: it would fault, or it is device
    /// memory, or lies in two pages.
    public static long read(long gva, int last, Cpu c, long table) {
        long addend = probe(gva, last, table);
        return addend != 0 ? gva + addend : Mmu.hostToRead(c, gva, last);
    }

    /// The same for a store; 0 also where instructions were decoded from the page.
    public static long write(long gva, int last, Cpu c, long table) {
        long addend = probe(gva, last, table);
        return addend != 0 ? gva + addend : Mmu.hostToWrite(c, gva, last);
    }

    /// The native address of what is at `gva` in one page that the TLB has, else 0. For HotSpot's second compiler, as [#readWell].
    public static long known(long gva, int last, long table) {
        long entry = table + (gva >>> 8 & Tlb.ENTRY_MASK);
        long differs = Words.getPlain64(entry) ^ (gva + last & -PAGE_SIZE);
        return (Long.numberOfLeadingZeros(differs) & 64) == 0 ? 0 : gva + Words.getPlain64(entry + 8);
    }

    /// As [#read], for HotSpot's second compiler, which takes equality for unlikely: that bit 6 of a count of zeros is 0 is unlikely
    /// indeed.
    public static long readWell(long gva, int last, Cpu c, long table) {
        long entry = table + (gva >>> 8 & Tlb.ENTRY_MASK);
        long differs = Words.getPlain64(entry) ^ (gva + last & -PAGE_SIZE);
        if ((Long.numberOfLeadingZeros(differs) & 64) == 0) return Mmu.hostToRead(c, gva, last);
        return gva + Words.getPlain64(entry + 8);
    }

    /// As [#write].
    public static long writeWell(long gva, int last, Cpu c, long table) {
        long entry = table + (gva >>> 8 & Tlb.ENTRY_MASK);
        long differs = Words.getPlain64(entry) ^ (gva + last & -PAGE_SIZE);
        if ((Long.numberOfLeadingZeros(differs) & 64) == 0) return Mmu.hostToWrite(c, gva, last);
        return gva + Words.getPlain64(entry + 8);
    }

    /// What to add to a linear address to get the native one, or 0 if the TLB does not tell.
    private static long probe(long gva, int last, long table) {
        return Words.lookup(table + (gva >>> 8 & Tlb.ENTRY_MASK), gva + last & -PAGE_SIZE, 0);
    }

    /// Whether a locked access of `bytes` bytes can be made without stopping other vCPUs; if not, the interpreter has to do it.
    public static boolean lockable(long host, int bytes) {
        return Atomics.reaches(host, bytes);
    }

    /// Compare-and-set of a [#lockable] word of 1, 2, 4 or 8 bytes.
    public static boolean compareAndSet(long host, int bytes, long expected, long value) {
        return Atomics.compareAndSet(host, bytes, expected, value);
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

    // The same without an order that other threads could tell.

    public static long getPlain8(long host) {
        return Words.getPlain8(host) & 0xffL;
    }

    public static long getPlain16(long host) {
        return Words.getPlain16(host) & 0xffffL;
    }

    public static long getPlain32(long host) {
        return Words.getPlain32(host) & 0xffff_ffffL;
    }

    public static long getPlain64(long host) {
        return Words.getPlain64(host);
    }

    public static void putPlain8(long host, long value) {
        Words.putPlain8(host, (byte) value);
    }

    public static void putPlain16(long host, long value) {
        Words.putPlain16(host, (short) value);
    }

    public static void putPlain32(long host, long value) {
        Words.putPlain32(host, (int) value);
    }

    public static void putPlain64(long host, long value) {
        Words.putPlain64(host, value);
    }
}
