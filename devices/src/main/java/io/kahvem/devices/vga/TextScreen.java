package io.kahvem.devices.vga;

/// What a text mode shows at one moment.
///
/// @param columns 0 where there is no text mode
/// @param cells a character of code page 437 and its attribute, row by row
/// @param cursorColumn negative where no cursor is shown
public record TextScreen(int columns, int rows, byte[] cells, int cursorColumn, int cursorRow) {
    /// Graphics, or nothing.
    public static final TextScreen NONE = new TextScreen(0, 0, new byte[0], -1, -1);

    /// Code page 437 as it is shown, where every code has a picture.
    private static final String CP437 = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
            + " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~⌂"
            + "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
            + "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
            + "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";

    public boolean isShown() {
        return columns > 0;
    }

    /// The character's code, which is the font's.
    int code(int column, int row) {
        return cells[2 * (row * columns + column)] & 0xff;
    }

    public char character(int column, int row) {
        return CP437.charAt(cells[2 * (row * columns + column)] & 0xff);
    }

    /// Foreground in bits 0 to 3, background in bits 4 to 6, blinking in bit 7.
    public int attribute(int column, int row) {
        return cells[2 * (row * columns + column) + 1] & 0xff;
    }

    /// One row without the blanks at its end.
    public String row(int row) {
        StringBuilder text = new StringBuilder(columns);
        for (int column = 0; column < columns; column++) text.append(character(column, row));
        return text.toString().stripTrailing();
    }

    /// All rows, each with a line feed, without the empty ones at the end.
    public String text() {
        StringBuilder text = new StringBuilder();
        for (int row = 0; row < rows; row++) text.append(row(row)).append('\n');
        int end = text.length();
        while (end > 1 && text.charAt(end - 1) == '\n' && text.charAt(end - 2) == '\n') end--;
        return end == 1 ? "" : text.substring(0, end);
    }
}
