package io.kahvem.cli.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class ConsoleInputTest {
    private final ByteArrayOutputStream fed = new ByteArrayOutputStream();
    private final AtomicBoolean left = new AtomicBoolean();

    private void read(InputStream stream, boolean terminal) throws InterruptedException {
        ConsoleInput.GuestLine line = (bytes, offset, length) -> {
            fed.write(bytes, offset, length);
            return true;
        };
        new ConsoleInput(stream, terminal, line, () -> left.set(true)).start().join();
    }

    private static InputStream typed(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void feedsWhatIsTypedBeforeControlRightBracketAndLeaves() throws InterruptedException {
        read(typed("ls\r\u001dmore"), true);
        assertThat(fed.toString(StandardCharsets.ISO_8859_1)).isEqualTo("ls\r");
        assertThat(left).isTrue();
    }

    @Test
    void controlCIsTheGuests() throws InterruptedException {
        read(typed("\u0003"), true);
        assertThat(fed.toByteArray()).containsExactly(3);
        assertThat(left).isFalse();
    }

    @Test
    void aPipeCannotLeave() throws InterruptedException {
        read(typed("a\u001db"), false);
        assertThat(fed.toString(StandardCharsets.ISO_8859_1)).isEqualTo("a\u001db");
        assertThat(left).isFalse();
    }

    @Test
    void aClosedInputIsAnEnd() throws InterruptedException {
        read(new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("Bad file descriptor");
            }
        }, true);
        assertThat(left).isFalse();
    }

    @Test
    void stopsReadingWhenTheMachineHasEnded() throws InterruptedException {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 'y';
            }
        };
        new ConsoleInput(endless, false, (bytes, offset, length) -> false, () -> left.set(true)).start().join();
        assertThat(left).isFalse();
    }
}
