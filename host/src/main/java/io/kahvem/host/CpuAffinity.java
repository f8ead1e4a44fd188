package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.BitSet;

/// On which processors a thread of any process may run (sched_setaffinity(2)).
public final class CpuAffinity {
    /// Room for 8,192 processors.
    private static final int SET_BYTES = 1024;

    private static final MethodHandle SCHED_SETAFFINITY =
            Libc.function("sched_setaffinity", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle SCHED_GETAFFINITY =
            Libc.function("sched_getaffinity", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));

    private CpuAffinity() {}

    /// Throws [HostException] where the thread is gone or another user's.
    public static BitSet of(long thread) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            MemorySegment set = arena.allocate(SET_BYTES, 8);
            int result = (int) SCHED_GETAFFINITY.invokeExact(state, (int) thread, (long) SET_BYTES, set);
            if (result < 0) {
                throw new HostException("see where thread %d runs".formatted(thread), "sched_getaffinity", Libc.errno(state), "");
            }
            return BitSet.valueOf(set.toArray(JAVA_BYTE));
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// Throws [HostException] where the thread is gone or another user's, or none of the processors is there.
    public static void set(long thread, BitSet cpus) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            MemorySegment set = arena.allocate(SET_BYTES, 8);
            byte[] bytes = cpus.toByteArray();
            MemorySegment.copy(bytes, 0, set, JAVA_BYTE, 0, Math.min(bytes.length, SET_BYTES));
            int result = (int) SCHED_SETAFFINITY.invokeExact(state, (int) thread, (long) SET_BYTES, set);
            if (result < 0) {
                String trying = "pin thread %d to processors %s".formatted(thread, cpus);
                throw new HostException(trying, "sched_setaffinity", Libc.errno(state), "");
            }
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }
}
