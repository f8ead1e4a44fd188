package io.kahvem.devices.vga;

import io.kahvem.host.Words;

/// Makes a picture of video memory: Dispi's modes, text with the font in plane 2, planes of 16 colours, a byte a pixel (IBM VGA Technical
/// Reference, 2-12 to 2-40).
///
/// Lock: the card's, which the caller holds.
final class Painter {
    private static final int FONT_BYTES_PER_CHARACTER = 32;
    private static final int BLINK = 1 << 3;
    private static final int LINE_GRAPHICS = 1 << 2;
    private static final int FIRST_LINE_CHARACTER = 0xc0;
    private static final int LAST_LINE_CHARACTER = 0xdf;

    private final Vga vga;
    private final long vram;
    private final long vramBytes;

    Painter(Vga vga, long vram, long vramBytes) {
        this.vga = vga;
        this.vram = vram;
        this.vramBytes = vramBytes;
    }

    Picture linear(FrameBuffer frame) {
        int[] pixels = new int[frame.width() * frame.height()];
        int bytes = (frame.bitsPerPixel() + 7) / 8;
        for (int y = 0; y < frame.height(); y++) {
            long line = frame.address() + (long) y * frame.strideBytes();
            for (int x = 0; x < frame.width(); x++) {
                long at = line + (long) x * bytes;
                pixels[y * frame.width() + x] = switch (frame.bitsPerPixel()) {
                    case 15 -> from555(Words.get16(at));
                    case 16 -> from565(Words.get16(at));
                    case 24, 32 -> (Words.get8(at) & 0xff) | (Words.get8(at + 1) & 0xff) << 8 | (Words.get8(at + 2) & 0xff) << 16;
                    default -> vga.color(Words.get8(at) & 0xff);
                };
            }
        }
        return new Picture(frame.width(), frame.height(), pixels);
    }

    private static int from555(int value) {
        return spread(value >> 10 & 31, 31) << 16 | spread(value >> 5 & 31, 31) << 8 | spread(value & 31, 31);
    }

    private static int from565(int value) {
        return spread(value >> 11 & 31, 31) << 16 | spread(value >> 5 & 63, 63) << 8 | spread(value & 31, 31);
    }

    private static int spread(int value, int most) {
        return (value * 255 + most / 2) / most;
    }

    Picture text(TextScreen screen) {
        int cellWidth = (vga.sequencer(1) & 1) != 0 ? 8 : 9;
        int cellHeight = (vga.crtc(9) & 0x1f) + 1;
        int width = screen.columns() * cellWidth;
        int[] pixels = new int[width * screen.rows() * cellHeight];
        for (int row = 0; row < screen.rows(); row++) {
            for (int column = 0; column < screen.columns(); column++) {
                int to = row * cellHeight * width + column * cellWidth;
                cell(screen, column, row, pixels, to, width, cellWidth, cellHeight);
            }
        }
        return new Picture(width, screen.rows() * cellHeight, pixels);
    }

    private void cell(TextScreen screen, int column, int row, int[] pixels, int to, int stride, int cellWidth, int cellHeight) {
        int code = screen.code(column, row);
        int attribute = screen.attribute(column, row);
        boolean blinks = (vga.attribute(0x10) & BLINK) != 0;
        int foreground = vga.attributeColor(attribute & 0x0f);
        int background = vga.attributeColor(attribute >> 4 & (blinks ? 7 : 15));
        long glyph = font((attribute & 8) != 0) + (long) code * FONT_BYTES_PER_CHARACTER;
        boolean wide = (vga.attribute(0x10) & LINE_GRAPHICS) != 0 && code >= FIRST_LINE_CHARACTER && code <= LAST_LINE_CHARACTER;
        boolean cursor = column == screen.cursorColumn() && row == screen.cursorRow();
        for (int y = 0; y < cellHeight; y++) {
            int bits = Words.get8(vram + 4 * (glyph + y) + 2) & 0xff;
            boolean full = cursor && y >= (vga.crtc(0x0a) & 0x1f) && y <= (vga.crtc(0x0b) & 0x1f);
            for (int x = 0; x < cellWidth; x++) {
                boolean set = full || (x < 8 ? (bits & 0x80 >> x) != 0 : wide && (bits & 1) != 0);
                pixels[to + y * stride + x] = set ? foreground : background;
            }
        }
    }

    /// Where in plane 2 the font is that characters with the intensity bit, or without it, have (character map select, 2-23).
    private int font(boolean intense) {
        int select = vga.sequencer(3);
        int map = intense ? select >> 2 & 3 | select >> 3 & 4 : select & 3 | select >> 2 & 4;
        return (map & 3) * 0x4000 + (map >> 2) * 0x2000;
    }

    /// A graphics mode of the VGA's own. In modes of 256 colours two clocks make a pixel; in those of 200 lines a line is shown twice.
    Picture planes() {
        boolean bytePixels = (vga.graphics(5) & 0x40) != 0;
        int width = (vga.crtc(1) + 1) * (bytePixels ? 4 : 8);
        int lines = vga.lines();
        int repeat = Math.max(1, ((vga.crtc(9) & 0x1f) + 1) * ((vga.crtc(9) & 0x80) != 0 ? 2 : 1));
        int height = lines / repeat;
        int pitch = vga.crtc(0x13) * 2;
        int start = vga.crtc(0x0c) << 8 | vga.crtc(0x0d);
        int[] pixels = new int[width * height];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int byteAt = start + y * pitch + (bytePixels ? x / 4 : x / 8);
                long at = 4L * (byteAt & 0xffff);
                if (at + 4 > vramBytes) continue;
                if (bytePixels) {
                    int value = Words.get8(vram + at + (x & 3)) & 0xff;
                    pixels[y * width + x] = vga.color(value);
                } else {
                    int bit = 7 - (x & 7);
                    int word = Words.get32(vram + at);
                    int index = 0;
                    for (int plane = 3; plane >= 0; plane--) index = index << 1 | word >>> 8 * plane + bit & 1;
                    pixels[y * width + x] = vga.attributeColor(index & vga.attribute(0x12));
                }
            }
        }
        return new Picture(width, height, pixels);
    }
}
