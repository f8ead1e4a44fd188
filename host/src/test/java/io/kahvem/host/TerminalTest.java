package io.kahvem.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class TerminalTest {
    private static final int LONG_ENOUGH_MILLIS = 10_000;

    private Pty pty;
    private Terminal terminal;

    @BeforeEach
    void open() throws Throwable {
        assumeTrue(Platform.hasLinuxCalls(), "termios is called on Linux only");
        try {
            pty = new Pty();
        } catch (HostException noPty) {
            abort("no pseudo-terminal here: " + noPty.getMessage());
        }
        terminal = TermiosTerminal.of(pty.slaveFd);
    }

    @AfterEach
    void close() {
        if (pty != null) pty.close();
    }

    @Test
    void aRawTerminalHandsOverEachKeyAsItIsAndEchoesNothing() throws Throwable {
        terminal.raw();
        pty.write(pty.masterFd, "a\r\u0003\u0004\u0011\u001d");
        assertThat(pty.read(pty.slaveFd, LONG_ENOUGH_MILLIS)).isEqualTo("a\r\u0003\u0004\u0011\u001d");
        assertThat(pty.read(pty.masterFd, 0)).isEmpty();
    }

    @Test
    void outputOfARawTerminalStillStartsEachLineAtItsLeft() throws Throwable {
        terminal.raw();
        pty.write(pty.slaveFd, "one\ntwo");
        assertThat(pty.read(pty.masterFd, LONG_ENOUGH_MILLIS)).isEqualTo("one\r\ntwo");
    }

    @Test
    void restoringPutsBackEveryAttribute() {
        byte[] before = attributes();
        terminal.raw();
        assertThat(attributes()).isNotEqualTo(before);
        terminal.raw();
        terminal.restore();
        assertThat(attributes()).isEqualTo(before);
    }

    @Test
    void restoringAgainUndoesNothingThatCameAfter() {
        byte[] cooked = attributes();
        terminal.raw();
        terminal.restore();
        Terminal somebodyElse = TermiosTerminal.of(pty.slaveFd);
        somebodyElse.raw();
        terminal.restore();
        assertThat(attributes()).isNotEqualTo(cooked);
        somebodyElse.close();
        assertThat(attributes()).isEqualTo(cooked);
    }

    @Test
    void aTerminalThatWasNeverRawIsLeftAlone() {
        byte[] before = attributes();
        terminal.restore();
        assertThat(attributes()).isEqualTo(before);
        assertThat(terminal.isTerminal()).isTrue();
    }

    @Test
    void aTerminalCanBeRestoredByAnotherThread() throws Exception {
        byte[] before = attributes();
        terminal.raw();
        Thread hook = Thread.ofPlatform().start(terminal::restore);
        hook.join();
        assertThat(attributes()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 1_000_000})
    void whatIsNoTerminalIsNeitherRawNorAnError(int fd) {
        Terminal none = TermiosTerminal.of(fd);
        assertThat(none.isTerminal()).isFalse();
        none.raw();
        none.restore();
    }

    private byte[] attributes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(TermiosTerminal.TERMIOS);
            assertThat(TermiosTerminal.tcgetattr(Libc.callState(arena), pty.slaveFd, termios)).isZero();
            return termios.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
