package io.kahvem.qmp.json;

import io.kahvem.qmp.QmpException;
import java.util.Arrays;

/// Finds where one JSON value ends and the next begins in a stream of bytes, and the way back after what is none, as QEMU's lexer does: an
/// error is told once, then all is skipped up to a control character, a structural one, or 0xfe or 0xff.
///
/// Memory is bounded by [#MAX_BYTES], time by the bytes that come. One thread.
public final class JsonFramer {
    /// The largest value that is taken.
    public static final int MAX_BYTES = 4 << 20;

    /// The deepest nesting.
    public static final int MAX_NESTING = 1024;

    private static final int FIRST_BYTES = 1 << 10;

    /// Gets what was found.
    public interface Sink {
        /// The text of one value; whether it is well-formed inside is not known yet.
        void value(byte[] text);

        void error(QmpException error);
    }

    private enum State {
        BETWEEN,
        /// In a number or keyword.
        WORD,
        STRING,
        ESCAPE,
        RECOVERY
    }

    private final Sink sink;
    private State state = State.BETWEEN;
    private byte[] text = new byte[FIRST_BYTES];
    private int length;
    private int depth;
    private int quote;

    public JsonFramer(Sink sink) {
        this.sink = sink;
    }

    /// Takes bytes of the stream.
    public void feed(byte[] bytes, int offset, int count) {
        for (int n = offset; n < offset + count; n++) take(bytes[n] & 0xff);
    }

    private void take(int c) {
        switch (state) {
            case STRING -> inString(c);
            case ESCAPE -> {
                if (c < 0x20 || c >= 0xfe) {
                    stray(c);
                } else {
                    append(c, State.STRING);
                }
            }
            case RECOVERY -> {
                if (c < 0x20 || c >= 0xfe || isStructural(c)) {
                    state = State.BETWEEN;
                    if (c >= 0x20 && c < 0xfe) between(c);
                }
            }
            case WORD -> {
                if (isWord(c)) {
                    append(c, State.WORD);
                } else {
                    state = State.BETWEEN;
                    if (depth == 0) emit();
                    between(c);
                }
            }
            case BETWEEN -> between(c);
        }
    }

    private void inString(int c) {
        if (c < 0x20 || c >= 0xfe) {
            stray(c);
        } else if (c == quote) {
            if (append(c, State.BETWEEN) && depth == 0) emit();
        } else {
            append(c, c == '\\' ? State.ESCAPE : State.STRING);
        }
    }

    private void between(int c) {
        switch (c) {
            case ' ', '\t', '\r', '\n' -> {
                if (length > 0) append(c, State.BETWEEN);
            }
            case '"', '\'' -> {
                quote = c;
                append(c, State.STRING);
            }
            case '{', '[' -> {
                if (++depth > MAX_NESTING) {
                    fail(new QmpException("JSON nesting depth limit exceeded"), State.BETWEEN);
                } else {
                    append(c, State.BETWEEN);
                }
            }
            case '}', ']' -> {
                depth--;
                if (append(c, State.BETWEEN) && depth <= 0) emit();
            }
            case ',', ':' -> {
                if (append(c, State.BETWEEN) && depth == 0) emit();
            }
            default -> {
                if (isWord(c)) {
                    append(c, State.WORD);
                } else {
                    stray(c);
                }
            }
        }
    }

    private boolean append(int c, State next) {
        if (length == MAX_BYTES) {
            fail(new QmpException("JSON token size limit exceeded"), State.RECOVERY);
            return false;
        }
        if (length == text.length) text = Arrays.copyOf(text, Math.min(MAX_BYTES, 2 * length));
        text[length++] = (byte) c;
        state = next;
        return true;
    }

    private void emit() {
        byte[] value = Arrays.copyOf(text, length);
        restart(State.BETWEEN);
        sink.value(value);
    }

    private void stray(int c) {
        boolean over = c < 0x20 || c >= 0xfe;
        String shown = c > 0x20 && c < 0x7f ? String.valueOf((char) c) : "\\x%02x".formatted(c);
        fail(Json.malformed("stray '%s'".formatted(shown)), over ? State.BETWEEN : State.RECOVERY);
    }

    private void fail(QmpException error, State next) {
        restart(next);
        sink.error(error);
    }

    private void restart(State next) {
        if (text.length > FIRST_BYTES) text = new byte[FIRST_BYTES];
        length = 0;
        depth = 0;
        state = next;
    }

    private static boolean isStructural(int c) {
        return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':';
    }

    private static boolean isWord(int c) {
        return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.' || c == '_';
    }
}
