package io.kahvem.devices.vga;

/// A linear picture in video memory.
///
/// @param width in pixels
/// @param height in pixels
/// @param bitsPerPixel 8 (by the palette), 15, 16, 24 or 32; 0 where there is no picture
/// @param address the native address of the first pixel
/// @param strideBytes from a line to the next
public record FrameBuffer(int width, int height, int bitsPerPixel, long address, int strideBytes) {
    /// No picture.
    public static final FrameBuffer NONE = new FrameBuffer(0, 0, 0, 0, 0);
}
