package io.kahvem.vmm.boot;

/// XXH64 with seed 0 (xxhash_spec.md), the checksum of Zstandard frames.
final class Xxh64 {
    private static final long P1 = 0x9E3779B185EBCA87L;
    private static final long P2 = 0xC2B2AE3D27D4EB4FL;
    private static final long P3 = 0x165667B19E3779F9L;
    private static final long P4 = 0x85EBCA77C2B2AE63L;
    private static final long P5 = 0x27D4EB2F165667C5L;
    private static final int STRIPE = 32;

    @SuppressWarnings("ConstantOverflow") // sums are modulo 2^64
    private long a = P1 + P2;
    private long b = P2;
    private long c;
    private long d = -P1;
    private long length;
    private final byte[] pending = new byte[STRIPE];
    private int pendingBytes;

    void update(byte[] from, int offset, int bytes) {
        length += bytes;
        int end = offset + bytes;
        if (pendingBytes > 0) {
            int count = Math.min(STRIPE - pendingBytes, bytes);
            System.arraycopy(from, offset, pending, pendingBytes, count);
            pendingBytes += count;
            offset += count;
            if (pendingBytes < STRIPE) return;
            stripes(pending, 0, 1);
            pendingBytes = 0;
        }
        int whole = (end - offset) / STRIPE;
        stripes(from, offset, whole);
        offset += whole * STRIPE;
        pendingBytes = end - offset;
        System.arraycopy(from, offset, pending, 0, pendingBytes);
    }

    private void stripes(byte[] from, int at, int count) {
        long va = a;
        long vb = b;
        long vc = c;
        long vd = d;
        for (int i = 0; i < count; i++, at += STRIPE) {
            va = round(va, Bytes.i64(from, at));
            vb = round(vb, Bytes.i64(from, at + 8));
            vc = round(vc, Bytes.i64(from, at + 16));
            vd = round(vd, Bytes.i64(from, at + 24));
        }
        a = va;
        b = vb;
        c = vc;
        d = vd;
    }

    long value() {
        long hash = (length >= STRIPE ? lanes() : P5) + length;
        int at = 0;
        for (; pendingBytes - at >= 8; at += 8) hash = Long.rotateLeft(hash ^ round(0, Bytes.i64(pending, at)), 27) * P1 + P4;
        if (pendingBytes - at >= 4) {
            hash = Long.rotateLeft(hash ^ Bytes.u32(pending, at) * P1, 23) * P2 + P3;
            at += 4;
        }
        for (; at < pendingBytes; at++) hash = Long.rotateLeft(hash ^ Bytes.u8(pending, at) * P5, 11) * P1;
        hash = (hash ^ hash >>> 33) * P2;
        hash = (hash ^ hash >>> 29) * P3;
        return hash ^ hash >>> 32;
    }

    private long lanes() {
        long hash = Long.rotateLeft(a, 1) + Long.rotateLeft(b, 7) + Long.rotateLeft(c, 12) + Long.rotateLeft(d, 18);
        return merge(merge(merge(merge(hash, a), b), c), d);
    }

    private static long round(long lane, long input) {
        return Long.rotateLeft(lane + input * P2, 31) * P1;
    }

    private static long merge(long hash, long lane) {
        return (hash ^ round(0, lane)) * P1 + P4;
    }
}
