package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/// The program that this process runs.
public final class ProcessImage {
    private static final MethodHandle EXECV = Libc.function("execv", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));

    private ProcessImage() {}

    /// Becomes `program`: same process, environment and descriptors (but those marked to be closed), one thread, which keeps what the
    /// calling thread is confined to. Returns never, or throws [HostException] with nothing changed. `arguments` begin with the program's
    /// name; bytes, since they need not be text in any character set. No shutdown hook runs.
    public static void replace(String program, List<byte[]> arguments) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            MemorySegment vector = Libc.strings(arena, arguments);
            int ignored = (int) EXECV.invokeExact(state, arena.allocateFrom(program), vector);
            throw new HostException("start " + program + " again", "execv", Libc.errno(state), "");
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }
}
