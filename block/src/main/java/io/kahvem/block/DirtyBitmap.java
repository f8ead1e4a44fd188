package io.kahvem.block;

import java.util.Arrays;

/// Which parts of a disk were written: a bit for each granule. Safe from any thread.
public final class DirtyBitmap {
    private final String name;
    private final int granularity;
    private final int shift;
    private long sizeBytes;
    private long[] words;
    private boolean enabled;
    private boolean inconsistent;
    private boolean changed;
    private boolean busy;

    /// @param granularity bytes a bit stands for: a power of two from 512 on
    public DirtyBitmap(String name, int granularity, long sizeBytes) {
        if (granularity < 512 || Integer.bitCount(granularity) != 1) {
            throw BlockException.invalid("Granularity must be power of 2 and at least 512");
        }
        this.name = name;
        this.granularity = granularity;
        shift = Integer.numberOfTrailingZeros(granularity);
        this.sizeBytes = sizeBytes;
        words = new long[wordsFor(sizeBytes)];
        enabled = true;
    }

    private int wordsFor(long bytes) {
        long bits = bitsFor(bytes);
        if (bits > 1L << 35) throw BlockException.invalid("Bitmap '%s' is too large: choose a larger granularity".formatted(name));
        return (int) (bits + 63 >>> 6);
    }

    private long bitsFor(long bytes) {
        return bytes + granularity - 1 >>> shift;
    }

    public String name() {
        return name;
    }

    public int granularity() {
        return granularity;
    }

    public synchronized long sizeBytes() {
        return sizeBytes;
    }

    /// Whether writes are noted.
    public synchronized boolean isEnabled() {
        return enabled;
    }

    public synchronized void setEnabled(boolean enabled) {
        this.enabled = enabled;
        changed = true;
    }

    /// Whether it was in use when its image was last not closed in order: it says nothing then, and can only be removed.
    public synchronized boolean isInconsistent() {
        return inconsistent;
    }

    public synchronized void setInconsistent() {
        inconsistent = true;
    }

    /// Whether work in the background uses it.
    public synchronized boolean isBusy() {
        return busy;
    }

    public synchronized void setBusy(boolean busy) {
        this.busy = busy;
    }

    /// Whether it differs from what is stored.
    public synchronized boolean isChanged() {
        return changed;
    }

    public synchronized void setStored() {
        changed = false;
    }

    public synchronized void mark(long offset, long length) {
        long end = Math.min(offset + length, sizeBytes);
        if (offset >= end) return;
        changed = true;
        long last = end - 1 >>> shift;
        for (long bit = offset >>> shift; bit <= last; bit++) words[(int) (bit >>> 6)] |= 1L << bit;
    }

    public synchronized void clear() {
        Arrays.fill(words, 0);
        changed = true;
    }

    public synchronized void clear(long offset, long length) {
        long last = offset + length - 1 >>> shift;
        for (long bit = offset >>> shift; bit <= last; bit++) words[(int) (bit >>> 6)] &= ~(1L << bit);
        changed = true;
    }

    public synchronized boolean isDirty(long offset) {
        long bit = offset >>> shift;
        return (words[(int) (bit >>> 6)] >>> bit & 1) != 0;
    }

    /// Where the next dirty granule at or after `offset` begins, or -1.
    public synchronized long nextDirty(long offset) {
        long bits = bitsFor(sizeBytes);
        for (long bit = offset >>> shift; bit < bits; ) {
            long word = words[(int) (bit >>> 6)] >>> bit;
            if (word != 0) {
                bit += Long.numberOfTrailingZeros(word);
                return bit < bits ? bit << shift : -1;
            }
            bit = (bit >>> 6) + 1 << 6;
        }
        return -1;
    }

    /// Bytes marked.
    public synchronized long dirtyBytes() {
        long bits = 0;
        for (long word : words) bits += Long.bitCount(word);
        return bits << shift;
    }

    /// Bytes of the disk marked: the last granule may be a part of one.
    public synchronized long markedBytes() {
        long bits = bitsFor(sizeBytes);
        boolean last = bits > 0 && (words[(int) (bits - 1 >>> 6)] >>> bits - 1 & 1) != 0;
        return last ? dirtyBytes() - (bits << shift) + sizeBytes : dirtyBytes();
    }

    /// Marks here what is marked there, of whatever granularity.
    public void merge(DirtyBitmap other) {
        for (long at = other.nextDirty(0); at >= 0; at = other.nextDirty(at + other.granularity)) {
            mark(at, Math.min(other.granularity, sizeBytes() - at));
            if (at + other.granularity >= other.sizeBytes()) return;
        }
    }

    public synchronized void resize(long newSizeBytes) {
        words = Arrays.copyOf(words, wordsFor(newSizeBytes));
        if (newSizeBytes < sizeBytes) {
            long bits = bitsFor(newSizeBytes);
            if ((bits & 63) != 0 && words.length > 0) words[words.length - 1] &= (1L << bits) - 1;
        }
        sizeBytes = newSizeBytes;
    }

    /// Eight bits from bit `8 * index` on, as files keep them.
    public synchronized byte octet(long index) {
        int word = (int) (index >>> 3);
        return word >= words.length ? 0 : (byte) (words[word] >>> (index & 7) * 8);
    }

    /// Sets eight bits while a stored bitmap is loaded; bits beyond the disk are left out.
    public synchronized void loadOctet(long index, byte bits) {
        for (int n = 0; n < 8; n++) {
            long bit = index * 8 + n;
            if ((bits >>> n & 1) != 0 && bit < bitsFor(sizeBytes)) words[(int) (bit >>> 6)] |= 1L << bit;
        }
    }

    /// How many octets it has.
    public synchronized long octets() {
        return bitsFor(sizeBytes) + 7 >>> 3;
    }
}
