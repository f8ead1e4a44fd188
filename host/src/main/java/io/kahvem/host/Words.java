package io.kahvem.host;

import jdk.internal.misc.Unsafe;

/// Little-endian words at native addresses: the one class that touches `jdk.internal.misc.Unsafe`.
///
/// No address is checked here; callers hold an address that a page walk or a bounds check produced. Loads are acquire and
/// stores are release, which gives the x86-TSO order between threads that guests rely on (docs/design/memory-order.md). Any alignment
/// is allowed; atomicity is only that of a naturally aligned word.
public final class Words {
    private static final Unsafe U = Unsafe.getUnsafe();

    /// x86 hosts order accesses of any alignment as TSO does, so that all that is asked of HotSpot is to keep the order: a fence beside a
    /// plain access, which is no instruction there. HotSpot's first compiler makes a release store a volatile one, with a locked
    /// instruction after it. Others fault on unaligned acquire and release accesses and take the fenced path for these.
    private static final boolean X86_HOST = switch (System.getProperty("os.arch")) {
        case "amd64", "x86_64", "x86" -> true;
        default -> false;
    };

    /// Whether 8-byte accesses, compare-and-set too, are atomic at any alignment inside a cache line of 64 bytes.
    public static final boolean UNALIGNED_ATOMICS = X86_HOST;

    /// Whether plain accesses, too, are in the order of TSO once they are machine code.
    public static final boolean ORDERED_HOST = X86_HOST;

    private Words() {}

    /// Whether `bytes` bytes are all zeros; in no order with other threads' stores.
    public static boolean isZero(long address, long bytes) {
        long at = address;
        long end = address + bytes;
        while (at < end && (at & 7) != 0) if (U.getByte(null, at++) != 0) return false;
        for (; at + 32 <= end; at += 32) {
            if ((U.getLong(null, at) | U.getLong(null, at + 8) | U.getLong(null, at + 16) | U.getLong(null, at + 24)) != 0) return false;
        }
        while (at < end) if (U.getByte(null, at++) != 0) return false;
        return true;
    }

    // HotSpot's first compiler inlines what has 35 bytecodes at most, so the ways of other hosts are methods of their own.

    public static byte get8(long address) {
        if (!X86_HOST) return U.getByteAcquire(null, address);
        byte value = U.getByte(null, address);
        U.loadFence();
        return value;
    }

    public static short get16(long address) {
        if (!X86_HOST) return acquire16(address);
        short value = U.getShort(null, address);
        U.loadFence();
        return value;
    }

    private static short acquire16(long address) {
        if ((address & 1) == 0) return U.getShortAcquire(null, address);
        short value = U.getShortUnaligned(null, address, false);
        U.loadFence();
        return value;
    }

    public static int get32(long address) {
        if (!X86_HOST) return acquire32(address);
        int value = U.getInt(null, address);
        U.loadFence();
        return value;
    }

    private static int acquire32(long address) {
        if ((address & 3) == 0) return U.getIntAcquire(null, address);
        int value = U.getIntUnaligned(null, address, false);
        U.loadFence();
        return value;
    }

    public static long get64(long address) {
        if (!X86_HOST) return acquire64(address);
        long value = U.getLong(null, address);
        U.loadFence();
        return value;
    }

    private static long acquire64(long address) {
        if ((address & 7) == 0) return U.getLongAcquire(null, address);
        long value = U.getLongUnaligned(null, address, false);
        U.loadFence();
        return value;
    }

    public static void put8(long address, byte value) {
        if (X86_HOST) {
            U.storeFence();
            U.putByte(null, address, value);
        } else {
            U.putByteRelease(null, address, value);
        }
    }

    public static void put16(long address, short value) {
        if (X86_HOST) {
            U.storeFence();
            U.putShort(null, address, value);
        } else {
            release16(address, value);
        }
    }

    private static void release16(long address, short value) {
        if ((address & 1) == 0) {
            U.putShortRelease(null, address, value);
        } else {
            U.storeFence();
            U.putShortUnaligned(null, address, value, false);
        }
    }

    public static void put32(long address, int value) {
        if (X86_HOST) {
            U.storeFence();
            U.putInt(null, address, value);
        } else {
            release32(address, value);
        }
    }

    private static void release32(long address, int value) {
        if ((address & 3) == 0) {
            U.putIntRelease(null, address, value);
        } else {
            U.storeFence();
            U.putIntUnaligned(null, address, value, false);
        }
    }

    public static void put64(long address, long value) {
        if (X86_HOST) {
            U.storeFence();
            U.putLong(null, address, value);
        } else {
            release64(address, value);
        }
    }

    private static void release64(long address, long value) {
        if ((address & 7) == 0) {
            U.putLongRelease(null, address, value);
        } else {
            U.storeFence();
            U.putLongUnaligned(null, address, value, false);
        }
    }

    // Plain accesses, at any alignment: for memory that one thread alone uses, or where the order of its accesses is nobody's concern.

    public static byte getPlain8(long address) {
        return U.getByte(null, address);
    }

    public static short getPlain16(long address) {
        return U.getShort(null, address);
    }

    public static int getPlain32(long address) {
        return U.getInt(null, address);
    }

    public static long getPlain64(long address) {
        return U.getLong(null, address);
    }

    public static void putPlain8(long address, byte value) {
        U.putByte(null, address, value);
    }

    public static void putPlain16(long address, short value) {
        U.putShort(null, address, value);
    }

    public static void putPlain32(long address, int value) {
        U.putInt(null, address, value);
    }

    /// Of two 64-bit words at `pair`, plain, the second if the first is `key`, else `otherwise`: a probe of the software TLB, in one call
    /// since each call costs HotSpot's first compiler some code.
    public static long lookup(long pair, long key, long otherwise) {
        return U.getLong(null, pair) != key ? otherwise : U.getLong(null, pair + 8);
    }

    public static void putPlain64(long address, long value) {
        U.putLong(null, address, value);
    }

    public static boolean compareAndSet8(long address, byte expected, byte value) {
        return U.compareAndSetByte(null, address, expected, value);
    }

    public static boolean compareAndSet16(long address, short expected, short value) {
        return U.compareAndSetShort(null, address, expected, value);
    }

    public static boolean compareAndSet32(long address, int expected, int value) {
        return U.compareAndSetInt(null, address, expected, value);
    }

    public static boolean compareAndSet64(long address, long expected, long value) {
        return U.compareAndSetLong(null, address, expected, value);
    }

    public static void fullFence() {
        U.fullFence();
    }

    public static void copy(long from, long to, long bytes) {
        U.copyMemory(from, to, bytes);
    }

    public static void copyIn(byte[] from, int offset, long to, long bytes) {
        U.copyMemory(from, Unsafe.ARRAY_BYTE_BASE_OFFSET + offset, null, to, bytes);
    }

    public static void copyOut(long from, byte[] to, int offset, long bytes) {
        U.copyMemory(null, from, to, Unsafe.ARRAY_BYTE_BASE_OFFSET + offset, bytes);
    }

    public static void fill(long address, long bytes, byte value) {
        U.setMemory(address, bytes, value);
    }

    /// Memory of unknown content, for [AllocatedMemory]. Throws OutOfMemoryError where there is none.
    static long allocate(long bytes) {
        return U.allocateMemory(bytes);
    }

    static void free(long address) {
        U.freeMemory(address);
    }
}
