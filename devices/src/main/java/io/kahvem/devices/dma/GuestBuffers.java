package io.kahvem.devices.dma;

import io.kahvem.block.BlockRequest;
import io.kahvem.host.Words;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.util.Arrays;

/// Pieces of guest memory that together are one buffer: a scatter-gather list, found to lie in guest RAM when it was filled.
///
/// Kept and filled anew: it allocates only to hold more pieces than ever before. Offsets count from the first byte; what lies beyond the
/// end is not copied.
public final class GuestBuffers {
    private static final int LARGEST_PIECE = 1 << 30;

    private final GuestMemory memory;
    private final int most;
    private long[] gpa = new long[4];
    private long[] hva = new long[4];
    private int[] bytes = new int[4];
    private int count;
    private long totalBytes;

    /// @param most how many pieces it takes
    public GuestBuffers(GuestMemory memory, int most) {
        this.memory = memory;
        this.most = most;
    }

    public void clear() {
        count = 0;
        totalBytes = 0;
    }

    /// Appends memory; false where it is not in RAM, or is read-only where it is to be written, or where there would be too many pieces.
    public boolean add(long address, long length, boolean written) {
        while (length > 0) {
            MemorySlot slot = memory.slotAt(address);
            if (slot == null || written && slot.readOnly()) return false;
            int piece = (int) Math.min(Math.min(length, slot.end() - address), LARGEST_PIECE);
            if (count > 0 && gpa[count - 1] + bytes[count - 1] == address && hva[count - 1] + bytes[count - 1] == slot.hva(address)
                    && bytes[count - 1] <= LARGEST_PIECE - piece) {
                bytes[count - 1] += piece;
            } else {
                if (count == most) return false;
                if (count == gpa.length) grow();
                gpa[count] = address;
                hva[count] = slot.hva(address);
                bytes[count] = piece;
                count++;
            }
            totalBytes += piece;
            address += piece;
            length -= piece;
        }
        return true;
    }

    /// Appends what `other` has from `offset` on.
    public void addPart(GuestBuffers other, long offset) {
        for (int n = 0; n < other.count; n++) {
            if (offset >= other.bytes[n]) {
                offset -= other.bytes[n];
            } else {
                add(other.gpa[n] + offset, other.bytes[n] - offset, false);
                offset = 0;
            }
        }
    }

    public GuestMemory memory() {
        return memory;
    }

    public int count() {
        return count;
    }

    public long totalBytes() {
        return totalBytes;
    }

    public long gpa(int piece) {
        return gpa[piece];
    }

    /// The native address; who writes there by it tells so with [#written].
    public long hva(int piece) {
        return hva[piece];
    }

    public int bytes(int piece) {
        return bytes[piece];
    }

    /// Copies from guest memory; returns how many bytes there were.
    public int read(long offset, byte[] to, int at, int length) {
        int done = 0;
        for (int n = 0; n < count && done < length; n++) {
            if (offset >= bytes[n]) {
                offset -= bytes[n];
                continue;
            }
            int piece = (int) Math.min(length - done, bytes[n] - offset);
            Words.copyOut(hva[n] + offset, to, at + done, piece);
            done += piece;
            offset = 0;
        }
        return done;
    }

    /// Copies into guest memory; returns how many bytes found place.
    public int write(long offset, byte[] from, int at, int length) {
        int done = 0;
        for (int n = 0; n < count && done < length; n++) {
            if (offset >= bytes[n]) {
                offset -= bytes[n];
                continue;
            }
            int piece = (int) Math.min(length - done, bytes[n] - offset);
            memory.write(gpa[n] + offset, from, at + done, piece);
            done += piece;
            offset = 0;
        }
        return done;
    }

    /// One byte, 0 beyond the end.
    public int get8(long offset) {
        for (int n = 0; n < count; n++) {
            if (offset < bytes[n]) return Words.get8(hva[n] + offset) & 0xff;
            offset -= bytes[n];
        }
        return 0;
    }

    public int get16(long offset) {
        return get8(offset) | get8(offset + 1) << 8;
    }

    public int get32(long offset) {
        if (count > 0 && offset + 4 <= bytes[0]) return Words.get32(hva[0] + offset);
        return get16(offset) | get16(offset + 2) << 16;
    }

    public long get64(long offset) {
        if (count > 0 && offset + 8 <= bytes[0]) return Words.get64(hva[0] + offset);
        return get32(offset) & 0xffff_ffffL | (long) get32(offset + 4) << 32;
    }

    /// One byte; nothing happens beyond the end.
    public void put8(long offset, int value) {
        for (int n = 0; n < count; n++) {
            if (offset < bytes[n]) {
                memory.write8(gpa[n] + offset, value);
                return;
            }
            offset -= bytes[n];
        }
    }

    public void put16(long offset, int value) {
        put8(offset, value);
        put8(offset + 1, value >> 8);
    }

    public void put32(long offset, int value) {
        put16(offset, value);
        put16(offset + 2, value >> 16);
    }

    public void put64(long offset, long value) {
        put32(offset, (int) value);
        put32(offset + 4, (int) (value >> 32));
    }

    /// Gives a disk's request this part of the memory.
    public void addTo(BlockRequest request, long offset, long length) {
        for (int n = 0; n < count && length > 0; n++) {
            if (offset >= bytes[n]) {
                offset -= bytes[n];
                continue;
            }
            long piece = Math.min(length, bytes[n] - offset);
            request.addRange(hva[n] + offset, piece);
            length -= piece;
            offset = 0;
        }
    }

    /// This part was written by native addresses: engine and dirty log are told.
    public void written(long offset, long length) {
        for (int n = 0; n < count && length > 0; n++) {
            if (offset >= bytes[n]) {
                offset -= bytes[n];
                continue;
            }
            long piece = Math.min(length, bytes[n] - offset);
            memory.written(gpa[n] + offset, piece);
            length -= piece;
            offset = 0;
        }
    }

    private void grow() {
        int room = Math.min(gpa.length * 4, most);
        gpa = Arrays.copyOf(gpa, room);
        hva = Arrays.copyOf(hva, room);
        bytes = Arrays.copyOf(bytes, room);
    }
}
