package io.kahvem.devices.vga;

/// What a screen shows at one moment.
///
/// @param width in pixels
/// @param height in pixels
/// @param pixels row by row, red in bits 16 to 23, green in 8 to 15, blue in 0 to 7
public record Picture(int width, int height, int[] pixels) {
    /// A screen that is off: black.
    static Picture blank() {
        return new Picture(640, 480, new int[640 * 480]);
    }
}
