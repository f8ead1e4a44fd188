package io.kahvem.host;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.PathElement.sequenceElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/// A terminal by termios(3). Names are POSIX's; the layout is that of the C library's `struct termios` (glibc and musl alike).
final class TermiosTerminal implements Terminal {
    static final StructLayout TERMIOS = MemoryLayout.structLayout(
            JAVA_INT.withName("c_iflag"),
            JAVA_INT.withName("c_oflag"),
            JAVA_INT.withName("c_cflag"),
            JAVA_INT.withName("c_lflag"),
            JAVA_BYTE.withName("c_line"),
            MemoryLayout.sequenceLayout(32, JAVA_BYTE).withName("c_cc"),
            MemoryLayout.paddingLayout(3),
            JAVA_INT.withName("c_ispeed"),
            JAVA_INT.withName("c_ospeed"));

    static final VarHandle C_IFLAG = TERMIOS.varHandle(groupElement("c_iflag"));
    static final VarHandle C_OFLAG = TERMIOS.varHandle(groupElement("c_oflag"));
    static final VarHandle C_CFLAG = TERMIOS.varHandle(groupElement("c_cflag"));
    static final VarHandle C_LFLAG = TERMIOS.varHandle(groupElement("c_lflag"));
    private static final VarHandle C_CC = TERMIOS.varHandle(groupElement("c_cc"), sequenceElement());

    private static final int IGNBRK = 0x1, BRKINT = 0x2, PARMRK = 0x8, ISTRIP = 0x20;
    private static final int INLCR = 0x40, IGNCR = 0x80, ICRNL = 0x100, IXON = 0x400;
    private static final int CSIZE = 0x30, CS8 = 0x30, PARENB = 0x100;
    static final int ISIG = 0x1, ICANON = 0x2, ECHO = 0x8, ECHONL = 0x40, IEXTEN = 0x8000;
    private static final long VTIME = 5;
    private static final long VMIN = 6;

    private static final int TCSANOW = 0;

    private static final MethodHandle TCGETATTR = Libc.function("tcgetattr", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

    /// Linked only where there is a terminal to change.
    private static final class Tcsetattr {
        static final MethodHandle TCSETATTR =
                Libc.function("tcsetattr", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    }

    private final int fd;

    /// The attributes found by raw(), to go back to; null while not raw. Guarded by this.
    private @Nullable MemorySegment saved;

    private TermiosTerminal(int fd) {
        this.fd = fd;
    }

    /// The terminal of `fd`, or one that does nothing if it is not a terminal.
    static Terminal of(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            return tcgetattr(state, fd, arena.allocate(TERMIOS)) == 0 ? new TermiosTerminal(fd) : new NoTerminal();
        }
    }

    @Override
    public boolean isTerminal() {
        return true;
    }

    @Override
    public synchronized void raw() {
        if (saved != null) return;
        MemorySegment before = Arena.ofAuto().allocate(TERMIOS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            if (tcgetattr(state, fd, before) != 0) throw failed("tcgetattr", state);
            MemorySegment raw = arena.allocate(TERMIOS).copyFrom(before);
            makeRaw(raw);
            saved = before;
            if (tcsetattr(state, fd, raw) != 0) {
                saved = null;
                throw failed("tcsetattr", state);
            }
        }
    }

    @Override
    public synchronized void restore() {
        MemorySegment before = saved;
        if (before == null) return;
        saved = null;
        try (Arena arena = Arena.ofConfined()) {
            // A terminal that is gone (hung up) needs nothing put back, so the result does not matter.
            int ignored = tcsetattr(Libc.callState(arena), fd, before);
        }
    }

    /// cfmakeraw(3) but for OPOST, which stays: without it our own messages would come out as stairs.
    private static void makeRaw(MemorySegment termios) {
        clear(C_IFLAG, termios, IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
        clear(C_LFLAG, termios, ECHO | ECHONL | ICANON | ISIG | IEXTEN);
        clear(C_CFLAG, termios, CSIZE | PARENB);
        C_CFLAG.set(termios, 0L, (int) C_CFLAG.get(termios, 0L) | CS8);
        C_CC.set(termios, 0L, VMIN, (byte) 1);
        C_CC.set(termios, 0L, VTIME, (byte) 0);
    }

    private static void clear(VarHandle field, MemorySegment termios, int bits) {
        field.set(termios, 0L, (int) field.get(termios, 0L) & ~bits);
    }

    static int tcgetattr(MemorySegment state, int fd, MemorySegment termios) {
        try {
            return (int) TCGETATTR.invokeExact(state, fd, termios);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// Takes effect at once (TCSANOW): waiting for output to drain could wait for ever on a terminal stopped by flow control.
    private static int tcsetattr(MemorySegment state, int fd, MemorySegment termios) {
        try {
            int result;
            do {
                result = (int) Tcsetattr.TCSETATTR.invokeExact(state, fd, TCSANOW, termios);
            } while (result != 0 && Libc.errno(state).number() == Errno.EINTR);
            return result;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    private HostException failed(String call, MemorySegment state) {
        return new HostException("make the terminal on file descriptor " + fd + " raw", call, Libc.errno(state), "");
    }

    /// A pipe, a file or a closed descriptor.
    private static final class NoTerminal implements Terminal {
        @Override
        public boolean isTerminal() {
            return false;
        }

        @Override
        public void raw() {}

        @Override
        public void restore() {}
    }
}
