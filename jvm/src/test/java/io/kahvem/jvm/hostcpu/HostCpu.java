package io.kahvem.jvm.hostcpu;

import java.io.IOException;
import java.util.Optional;

/// The processor under the tests: runs code on a [State].
///
/// Memory is one region in the low 2 GiB at [#base()]: the code at [#CODE], [State#data] ending just below the unmapped page at [#GUARD],
/// a stack. A guest that maps its memory at the same addresses can run the same bytes on the same registers.
public interface HostCpu extends AutoCloseable {
    /// Offsets from the base.
    int CODE = 0x800;

    int CODE_MAX = 0x700;
    int DATA = 0x3000 - State.DATA_BYTES;
    int GUARD = 0x3000;
    int STACK = 0x4000;
    int STACK_TOP = 0x14000;
    int REGION_BYTES = 0x14000;

    long base();

    /// Runs `code` (at most [#CODE_MAX] bytes, ending by running past its end) from `in`, and leaves what it left in `out`.
    void run(State in, byte[] code, State out);

    default State run(State in, byte[] code) {
        State out = new State();
        run(in, code, out);
        return out;
    }

    default long code() {
        return base() + CODE;
    }

    default long data() {
        return base() + DATA;
    }

    @Override
    void close();

    static boolean available() {
        String arch = System.getProperty("os.arch");
        return System.getProperty("os.name").equals("Linux") && (arch.equals("amd64") || arch.equals("x86_64"));
    }

    /// Runs code in this process: it must not fault. Empty where the host is not x86-64 Linux.
    static Optional<HostCpu> open() {
        return available() ? Optional.of(new NativeCode(false, 0)) : Optional.empty();
    }

    /// Runs code in a child process, where it may raise any exception: [State#vector] tells.
    static Optional<HostCpu> openChild() {
        if (!available()) return Optional.empty();
        try {
            return Optional.of(new ChildHostCpu());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
