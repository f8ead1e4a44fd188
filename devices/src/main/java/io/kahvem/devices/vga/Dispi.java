package io.kahvem.devices.vga;

import io.kahvem.devices.IoDevice;
import io.kahvem.host.Words;
import java.util.Arrays;

/// Bochs' display interface (bochs/iodev/display/vga.h, QEMU's docs/specs/standard-vga.rst): modes by width, height and depth in a linear
/// frame buffer, and a bank of it in the VGA's window.
///
/// Lock: the card's.
final class Dispi {
    static final int INDEX_PORT = 0x1ce;
    static final int PORTS = 3;
    static final int REGISTERS = 11;

    private static final int ID = 0;
    private static final int XRES = 1;
    private static final int YRES = 2;
    private static final int BPP = 3;
    private static final int ENABLE = 4;
    private static final int BANK = 5;
    private static final int VIRT_WIDTH = 6;
    private static final int VIRT_HEIGHT = 7;
    private static final int X_OFFSET = 8;
    private static final int Y_OFFSET = 9;
    private static final int VIDEO_MEMORY_64K = 10;

    private static final int ID5 = 0xb0c5;
    private static final int ENABLED = 1;
    private static final int GETCAPS = 1 << 1;
    private static final int EIGHT_BIT_DAC = 1 << 5;
    private static final int NOCLEARMEM = 1 << 7;
    private static final int MAX_XRES = 16_000;
    private static final int MAX_YRES = 12_000;
    private static final int MAX_BPP = 32;
    private static final int BANK_BYTES = 64 << 10;

    private final Vga vga;
    private final long vram;
    private final long vramBytes;
    private final int[] registers = new int[REGISTERS];
    private int index;

    Dispi(Vga vga, long vram, long vramBytes) {
        this.vga = vga;
        this.vram = vram;
        this.vramBytes = vramBytes;
    }

    /// The index at 0x1ce, the data at 0x1cf, where SeaBIOS has it, and at 0x1d0.
    IoDevice ports() {
        return new IoDevice() {
            @Override
            public int widestAccess() {
                return 2;
            }

            @Override
            public long read(long offset, int size) {
                synchronized (vga) {
                    return offset == 0 ? index : Dispi.this.read(index);
                }
            }

            @Override
            public void write(long offset, int size, long value) {
                if (size != 2) return;
                synchronized (vga) {
                    if (offset == 0) {
                        index = (int) value;
                    } else {
                        Dispi.this.write(index, (int) value);
                    }
                }
            }
        };
    }

    boolean enabled() {
        return (registers[ENABLE] & ENABLED) != 0;
    }

    /// Whether the DAC has eight bits for a colour, not six.
    boolean wideDac() {
        return (registers[ENABLE] & EIGHT_BIT_DAC) != 0;
    }

    long bankBytes() {
        return enabled() ? (long) registers[BANK] * BANK_BYTES : 0;
    }

    /// Where the picture is; nowhere while the VGA's own modes are on.
    FrameBuffer frame() {
        int bytesPerPixel = (registers[BPP] + 7) / 8;
        long stride = (long) registers[VIRT_WIDTH] * bytesPerPixel;
        long offset = registers[Y_OFFSET] * stride + (long) registers[X_OFFSET] * bytesPerPixel;
        long end = offset + (registers[YRES] - 1) * stride + (long) registers[XRES] * bytesPerPixel;
        if (!enabled() || registers[XRES] == 0 || registers[YRES] == 0 || end > vramBytes) return FrameBuffer.NONE;
        return new FrameBuffer(registers[XRES], registers[YRES], registers[BPP], vram + offset, (int) stride);
    }

    void reset() {
        Arrays.fill(registers, 0);
        registers[ID] = ID5;
        registers[VIDEO_MEMORY_64K] = (int) (vramBytes / BANK_BYTES);
        index = 0;
    }

    int read(int register) {
        if (register < 0 || register >= REGISTERS) return 0;
        if ((registers[ENABLE] & GETCAPS) == 0) return registers[register];
        return switch (register) {
            case XRES -> MAX_XRES;
            case YRES -> MAX_YRES;
            case BPP -> MAX_BPP;
            default -> registers[register];
        };
    }

    void write(int register, int value) {
        switch (register) {
            case ID -> {
                if (value >= 0xb0c0 && value <= ID5) registers[ID] = value;
            }
            case XRES -> {
                if (value <= MAX_XRES) registers[XRES] = value;
            }
            case YRES -> {
                if (value <= MAX_YRES) registers[YRES] = value;
            }
            case BPP -> {
                if (value == 0) value = 8;
                if (value == 4 || value == 8 || value == 15 || value == 16 || value == 24 || value == 32) registers[BPP] = value;
            }
            case ENABLE -> enable(value);
            case BANK -> registers[BANK] = (int) (value % Math.max(1, vramBytes / BANK_BYTES));
            case VIRT_WIDTH -> setVirtualWidth(value);
            case X_OFFSET, Y_OFFSET -> registers[register] = value;
            default -> {}
        }
        vga.changed();
    }

    private void enable(int value) {
        boolean was = enabled();
        registers[ENABLE] = value;
        if (!enabled()) {
            registers[BANK] = 0;
            return;
        }
        if (was) return;
        registers[X_OFFSET] = 0;
        registers[Y_OFFSET] = 0;
        setVirtualWidth(registers[XRES]);
        vga.forDispi(registers[BPP] >= 8);
        long bytes = (long) registers[VIRT_WIDTH] * registers[YRES] * ((registers[BPP] + 7) / 8);
        if ((value & NOCLEARMEM) == 0 && bytes > 0) Words.fill(vram, Math.min(bytes, vramBytes), (byte) 0);
    }

    private void setVirtualWidth(int value) {
        int width = Math.max(value, registers[XRES]);
        long line = (long) width * ((registers[BPP] + 7) / 8);
        registers[VIRT_WIDTH] = width;
        registers[VIRT_HEIGHT] = line == 0 ? 0 : (int) Math.min(0xffff, vramBytes / line);
    }
}
