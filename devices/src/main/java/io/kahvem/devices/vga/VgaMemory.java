package io.kahvem.devices.vga;

import io.kahvem.devices.IoDevice;
import io.kahvem.host.Words;

/// The window from 0xa0000 to 0xbffff on video memory, in the VGA's ways: chained, odd and even, and planar with its latches (IBM VGA
/// Technical Reference, 2-46 to 2-87). Four planes lie interleaved: plane p of address a is byte 4a + p.
///
/// Lock: the card's.
final class VgaMemory implements IoDevice {
    static final long BASE = 0xa_0000;
    static final int WINDOW_BYTES = 0x2_0000;

    private static final int SEQ_MAP_MASK = 2;
    private static final int SEQ_MEMORY_MODE = 4;
    private static final int CHAIN_4 = 1 << 3;
    private static final int GC_SET_RESET = 0;
    private static final int GC_ENABLE_SET_RESET = 1;
    private static final int GC_COLOR_COMPARE = 2;
    private static final int GC_ROTATE = 3;
    private static final int GC_READ_MAP = 4;
    private static final int GC_MODE = 5;
    private static final int GC_MISC = 6;
    private static final int GC_COLOR_DONT_CARE = 7;
    private static final int GC_BIT_MASK = 8;
    private static final int MODE_ODD_EVEN = 1 << 4;
    private static final int MODE_READ_COMPARE = 1 << 3;
    private static final int OUTSIDE = -1;

    private final Vga vga;
    private final long vram;
    private final long sizeBytes;
    private int latch;

    VgaMemory(Vga vga, long vram, long sizeBytes) {
        this.vga = vga;
        this.vram = vram;
        this.sizeBytes = sizeBytes;
    }

    @Override
    public long read(long offset, int size) {
        synchronized (vga) {
            long value = 0;
            for (int i = 0; i < size; i++) value |= (long) readByte((int) offset + i) << (8 * i);
            return value;
        }
    }

    @Override
    public void write(long offset, int size, long value) {
        synchronized (vga) {
            for (int i = 0; i < size; i++) writeByte((int) offset + i, (int) (value >>> (8 * i)) & 0xff);
            vga.changed();
        }
    }

    private int readByte(int offset) {
        int address = address(offset);
        if (address == OUTSIDE) return 0xff;
        if ((vga.sequencer(SEQ_MEMORY_MODE) & CHAIN_4) != 0) {
            long at = address + vga.bankBytes();
            return at < sizeBytes ? Words.get8(vram + at) & 0xff : 0xff;
        }
        if ((vga.graphics(GC_MODE) & MODE_ODD_EVEN) != 0) return Words.get8(vram + oddEven(address)) & 0xff;
        long at = planar(address);
        if (at < 0) return 0xff;
        latch = Words.get32(vram + at);
        if ((vga.graphics(GC_MODE) & MODE_READ_COMPARE) == 0) return latch >>> 8 * (vga.graphics(GC_READ_MAP) & 3) & 0xff;
        int different = (latch ^ planes(vga.graphics(GC_COLOR_COMPARE))) & planes(vga.graphics(GC_COLOR_DONT_CARE));
        return ~(different | different >>> 8 | different >>> 16 | different >>> 24) & 0xff;
    }

    private void writeByte(int offset, int value) {
        int address = address(offset);
        if (address == OUTSIDE) return;
        int mapMask = vga.sequencer(SEQ_MAP_MASK);
        if ((vga.sequencer(SEQ_MEMORY_MODE) & CHAIN_4) != 0) {
            long at = address + vga.bankBytes();
            if (at < sizeBytes && (mapMask & 1 << (address & 3)) != 0) Words.put8(vram + at, (byte) value);
        } else if ((vga.graphics(GC_MODE) & MODE_ODD_EVEN) != 0) {
            int plane = plane(address);
            if ((mapMask & 1 << plane) != 0) Words.put8(vram + oddEven(address), (byte) value);
        } else {
            long at = planar(address);
            if (at < 0) return;
            int written = planarValue(value);
            int mask = planes(mapMask);
            Words.put32(vram + at, Words.get32(vram + at) & ~mask | written & mask);
        }
    }

    /// Write modes 0 to 3.
    private int planarValue(int value) {
        int rotate = vga.graphics(GC_ROTATE) & 7;
        int rotated = (value >>> rotate | value << (8 - rotate)) & 0xff;
        int setReset = planes(vga.graphics(GC_SET_RESET));
        int bits = vga.graphics(GC_BIT_MASK);
        int wide;
        switch (vga.graphics(GC_MODE) & 3) {
            case 0 -> {
                int enable = planes(vga.graphics(GC_ENABLE_SET_RESET));
                wide = 0x0101_0101 * rotated & ~enable | setReset & enable;
            }
            case 1 -> {
                return latch;
            }
            case 2 -> wide = planes(value);
            default -> {
                bits &= rotated;
                wide = setReset;
            }
        }
        wide = switch (vga.graphics(GC_ROTATE) >> 3 & 3) {
            case 1 -> wide & latch;
            case 2 -> wide | latch;
            case 3 -> wide ^ latch;
            default -> wide;
        };
        int mask = 0x0101_0101 * bits;
        return wide & mask | latch & ~mask;
    }

    /// The address inside the part of the window that is on, or OUTSIDE.
    private int address(int offset) {
        return switch (vga.graphics(GC_MISC) >> 2 & 3) {
            case 0 -> offset;
            case 1 -> offset < 0x1_0000 ? offset : OUTSIDE;
            case 2 -> offset >= 0x1_0000 && offset < 0x1_8000 ? offset - 0x1_0000 : OUTSIDE;
            default -> offset >= 0x1_8000 ? offset - 0x1_8000 : OUTSIDE;
        };
    }

    private int plane(int address) {
        return vga.graphics(GC_READ_MAP) & 2 | address & 1;
    }

    private int oddEven(int address) {
        return (address & ~1) << 1 | plane(address);
    }

    /// The byte where an address' four planes begin, or a negative number past the end.
    private long planar(int address) {
        long at = 4L * address + vga.bankBytes();
        return at + 4 <= sizeBytes ? at : -1;
    }

    /// A byte of ones for each of the low four bits.
    private static int planes(int bits) {
        return (bits & 1) * 0xff | (bits >> 1 & 1) * 0xff00 | (bits >> 2 & 1) * 0xff_0000 | (bits >> 3 & 1) * 0xff00_0000;
    }
}
