package io.kahvem.devices.vga;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import io.kahvem.host.Clock;
import io.kahvem.host.Words;
import java.util.Arrays;

/// The registers of a VGA (IBM VGA Technical Reference, chapter 2), with Bochs' display extension in front of them ([Dispi]).
///
/// Lock: this object's monitor.
final class Vga implements Device {
    /// 0x3b0 to 0x3df.
    static final int FIRST_PORT = 0x3b0;
    static final int PORTS = 0x30;

    private static final int ATTRIBUTE = 0x3c0;
    private static final int ATTRIBUTE_DATA = 0x3c1;
    private static final int MISC_WRITE = 0x3c2;
    private static final int SEQUENCER = 0x3c4;
    private static final int DAC_MASK = 0x3c6;
    private static final int DAC_READ = 0x3c7;
    private static final int DAC_WRITE = 0x3c8;
    private static final int DAC_DATA = 0x3c9;
    private static final int MISC_READ = 0x3cc;
    private static final int GRAPHICS = 0x3ce;
    private static final int CRTC_COLOR = 0x3d4;
    private static final int STATUS_1_COLOR = 0x3da;
    private static final int COLOR_TO_MONO = 0x20;

    private static final int MISC_COLOR = 1;
    private static final int CRTC_PROTECT = 0x11;
    private static final int STATUS_RETRACE = 1 << 3;
    private static final int STATUS_NO_DISPLAY = 1;
    private static final long FRAME_NANOS = 16_666_667;
    private static final long RETRACE_NANOS = 1_000_000;

    private final Clock clock;
    private final long vram;
    private final Dispi dispi;
    private final VgaMemory window;
    private final Painter painter;
    private final int[] sequencer = new int[8];
    private final int[] graphics = new int[16];
    private final int[] crtc = new int[256];
    private final int[] attributes = new int[32];
    private final int[] palette = new int[768];
    private int sequencerIndex;
    private int graphicsIndex;
    private int crtcIndex;
    private int attributeIndex;
    private boolean attributeData;
    private int misc;
    private int dacMask;
    private int dacIndex;
    private int dacReadIndex;
    private boolean dacReading;
    private long changes;

    Vga(Clock clock, long vram, long vramBytes) {
        this.clock = clock;
        this.vram = vram;
        dispi = new Dispi(this, vram, vramBytes);
        window = new VgaMemory(this, vram, vramBytes);
        painter = new Painter(this, vram, vramBytes);
        reset();
    }

    Dispi dispi() {
        return dispi;
    }

    VgaMemory window() {
        return window;
    }

    /// The ports from [#FIRST_PORT] up.
    IoDevice ports() {
        return new IoDevice() {
            @Override
            public int widestAccess() {
                return 1;
            }

            @Override
            public long read(long offset, int size) {
                return readPort(FIRST_PORT + (int) offset);
            }

            @Override
            public void write(long offset, int size, long value) {
                writePort(FIRST_PORT + (int) offset, (int) value & 0xff);
            }
        };
    }

    @Override
    public synchronized void reset() {
        for (int[] registers : new int[][] {sequencer, graphics, crtc, attributes, palette}) Arrays.fill(registers, 0);
        sequencerIndex = 0;
        graphicsIndex = 0;
        crtcIndex = 0;
        attributeIndex = 0;
        attributeData = false;
        misc = 0;
        dacMask = 0xff;
        dispi.reset();
        changed();
    }

    int sequencer(int index) {
        return sequencer[index];
    }

    int graphics(int index) {
        return graphics[index];
    }

    int crtc(int index) {
        return crtc[index];
    }

    int attribute(int index) {
        return attributes[index];
    }

    /// What the DAC makes of a value: red, green, blue. Six bits become eight as in QEMU, by the lowest one.
    int color(int value) {
        int at = 3 * (value & dacMask);
        int rgb = 0;
        for (int n = 0; n < 3; n++) {
            int level = palette[at + n];
            rgb = rgb << 8 | (dispi.wideDac() ? level & 0xff : (level & 0x3f) << 2 | 3 * (level & 1));
        }
        return rgb;
    }

    /// The colour of one of the 16 values that the attribute controller knows (2-89 to 2-98).
    int attributeColor(int value) {
        int low = attributes[value & 0x0f];
        int select = attributes[0x14];
        boolean fourFromSelect = (attributes[0x10] & 0x80) != 0;
        return color(fourFromSelect ? low & 0x0f | (select & 0x0f) << 4 : low & 0x3f | (select & 0x0c) << 4);
    }

    /// Scan lines of the picture.
    int lines() {
        return (crtc[0x12] | (crtc[7] & 2) << 7 | (crtc[7] & 0x40) << 3) + 1;
    }

    private boolean isBlank() {
        return (sequencer[1] & 0x20) != 0 || crtc[1] == 0 || (attributeIndex & 0x20) == 0;
    }

    /// All that the screen shows.
    synchronized Picture picture() {
        FrameBuffer frame = dispi.frame();
        if (frame.width() > 0) return painter.linear(frame);
        if (isBlank()) return Picture.blank();
        TextScreen screen = text();
        return screen.isShown() ? painter.text(screen) : painter.planes();
    }

    long bankBytes() {
        return dispi.bankBytes();
    }

    /// What the screen shows may be another from now on.
    void changed() {
        changes++;
    }

    /// Counts changes of what is shown, as far as they did not go to memory by the frame buffer's own address. Any thread.
    synchronized long changes() {
        return changes;
    }

    /// Puts the registers into the state that a mode of Dispi's has: graphics, chained where a pixel has 8 bits or more, the window at
    /// 0xa0000.
    void forDispi(boolean chained) {
        graphics[6] = graphics[6] & ~0x0c | 0x05;
        graphics[5] &= ~0x10;
        sequencer[2] = 0x0f;
        sequencer[4] = chained ? 0x0e : 0x06;
        changed();
    }

    /// What a text mode shows; nothing while there are graphics or the screen is off.
    synchronized TextScreen text() {
        if (dispi.enabled() || isBlank() || (graphics[6] & 1) != 0) return TextScreen.NONE;
        int columns = crtc[1] + 1;
        int rows = lines() / ((crtc[9] & 0x1f) + 1);
        int start = crtc[0x0c] << 8 | crtc[0x0d];
        int pitch = crtc[0x13] * 2;
        int cursor = (crtc[0x0e] << 8 | crtc[0x0f]) - start;
        boolean cursorOn = (crtc[0x0a] & 0x20) == 0 && (crtc[0x0a] & 0x1f) <= (crtc[0x0b] & 0x1f);
        byte[] cells = new byte[2 * columns * rows];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                long at = vram + 4L * (start + row * pitch + column & 0xffff);
                int to = 2 * (row * columns + column);
                cells[to] = Words.get8(at);
                cells[to + 1] = Words.get8(at + 1);
            }
        }
        return new TextScreen(columns, rows, cells, cursorOn && pitch > 0 ? cursor % pitch : -1, pitch > 0 ? cursor / pitch : -1);
    }

    synchronized int readPort(int port) {
        int color = toColor(port);
        if (color < 0) return 0xff;
        return switch (color) {
            case ATTRIBUTE -> attributeIndex;
            case ATTRIBUTE_DATA -> attributes[attributeIndex & 0x1f];
            case MISC_WRITE -> 0x10; // input status 0: the switch says that a monitor is there
            case SEQUENCER -> sequencerIndex;
            case SEQUENCER + 1 -> sequencer[sequencerIndex];
            case DAC_MASK -> dacMask;
            case DAC_READ -> dacReading ? 3 : 0;
            case DAC_WRITE -> dacIndex / 3;
            case DAC_DATA -> {
                int value = palette[dacReadIndex];
                dacReadIndex = (dacReadIndex + 1) % palette.length;
                yield value;
            }
            case MISC_READ -> misc;
            case GRAPHICS -> graphicsIndex;
            case GRAPHICS + 1 -> graphics[graphicsIndex];
            case CRTC_COLOR -> crtcIndex;
            case CRTC_COLOR + 1 -> crtc[crtcIndex];
            case STATUS_1_COLOR -> {
                attributeData = false;
                long inFrame = clock.nanoTime() % FRAME_NANOS;
                yield inFrame >= FRAME_NANOS - RETRACE_NANOS ? STATUS_RETRACE | STATUS_NO_DISPLAY : 0;
            }
            default -> 0;
        };
    }

    synchronized void writePort(int port, int value) {
        int color = toColor(port);
        if (color < 0) return;
        switch (color) {
            case ATTRIBUTE -> {
                if (!attributeData) {
                    attributeIndex = value & 0x3f;
                } else if ((attributeIndex & 0x1f) < 0x15) {
                    attributes[attributeIndex & 0x1f] = value;
                }
                attributeData = !attributeData;
            }
            case MISC_WRITE -> misc = value & ~0x10;
            case SEQUENCER -> sequencerIndex = value & 7;
            case SEQUENCER + 1 -> sequencer[sequencerIndex] = value;
            case DAC_MASK -> dacMask = value;
            case DAC_READ -> {
                dacReadIndex = 3 * value;
                dacReading = true;
            }
            case DAC_WRITE -> {
                dacIndex = 3 * value;
                dacReading = false;
            }
            case DAC_DATA -> {
                palette[dacIndex] = value;
                dacIndex = (dacIndex + 1) % palette.length;
            }
            case GRAPHICS -> graphicsIndex = value & 0x0f;
            case GRAPHICS + 1 -> graphics[graphicsIndex] = value;
            case CRTC_COLOR -> crtcIndex = value;
            case CRTC_COLOR + 1 -> writeCrtc(value);
            default -> {}
        }
        changed();
    }

    /// Registers 0 to 7 are protected by a bit of register 11H, but for the line compare bit of 7.
    private void writeCrtc(int value) {
        boolean isProtected = (crtc[CRTC_PROTECT] & 0x80) != 0 && crtcIndex <= 7;
        if (!isProtected) {
            crtc[crtcIndex] = value;
        } else if (crtcIndex == 7) {
            crtc[7] = crtc[7] & ~0x10 | value & 0x10;
        }
    }

    /// The colour adapter's port for this one, or a negative number where the other of the two adapters is chosen.
    private int toColor(int port) {
        boolean mono = port >= 0x3b0 && port < 0x3c0;
        boolean colorOnly = port >= 0x3d0;
        boolean isColor = (misc & MISC_COLOR) != 0;
        if (mono && isColor || colorOnly && !isColor) return -1;
        return mono ? port + COLOR_TO_MONO : port;
    }
}
