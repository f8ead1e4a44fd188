package io.kahvem.host;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/// Makes a blocking system call of one thread return EINTR, by a signal that does nothing else.
///
/// The handler is the C library's `abs`: it takes the signal's number, touches nothing and returns. An upcall into Java could hit a thread
/// that is in Java already. The signal is the first real-time one from 37 on that nobody handles: the C library keeps the first for itself,
/// and the JVM takes none of them unless told to.
public final class ThreadSignal {
    private static final int FIRST_CANDIDATE = 37;
    private static final int LAST_CANDIDATE = 60;
    private static final long SIG_DFL = 0;

    /// `struct sigaction` of the 64-bit C libraries; without SA_RESTART, so that the call ends.
    private static final StructLayout SIGACTION = MemoryLayout.structLayout(
            ADDRESS.withName("sa_handler"),
            MemoryLayout.sequenceLayout(128, JAVA_BYTE).withName("sa_mask"),
            JAVA_INT.withName("sa_flags"),
            MemoryLayout.paddingLayout(4),
            ADDRESS.withName("sa_restorer"));
    private static final VarHandle SA_HANDLER = SIGACTION.varHandle(groupElement("sa_handler"));

    private static final MethodHandle SIGACTION_CALL =
            Libc.function("sigaction", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle PTHREAD_SELF = Libc.function("pthread_self", FunctionDescriptor.of(JAVA_LONG));
    private static final MethodHandle PTHREAD_KILL = Libc.function("pthread_kill", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));

    private static final int SIGNAL = install();

    private final long thread;
    private final MemorySegment state = Libc.callState(Arena.ofAuto());

    private ThreadSignal(long thread) {
        this.thread = thread;
    }

    /// The calling thread, a platform thread.
    public static ThreadSignal ofCurrentThread() {
        if (Thread.currentThread().isVirtual()) throw new IllegalStateException("a virtual thread has no signals of its own");
        try (Arena arena = Arena.ofConfined()) {
            return new ThreadSignal((long) PTHREAD_SELF.invokeExact(Libc.callState(arena)));
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// Interrupts the call that the thread is in, if it is in one. The caller knows that the thread is alive, and calls from one thread at
    /// a time.
    public void send() {
        try {
            int ignored = (int) PTHREAD_KILL.invokeExact(state, thread, SIGNAL);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    private static int install() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            MemorySegment now = arena.allocate(SIGACTION);
            MemorySegment wanted = arena.allocate(SIGACTION);
            SA_HANDLER.set(wanted, 0L, Linker.nativeLinker().defaultLookup().findOrThrow("abs"));
            for (int signal = FIRST_CANDIDATE; signal <= LAST_CANDIDATE; signal++) {
                int asked = (int) SIGACTION_CALL.invokeExact(state, signal, MemorySegment.NULL, now);
                if (asked != 0 || ((MemorySegment) SA_HANDLER.get(now, 0L)).address() != SIG_DFL) continue;
                int set = (int) SIGACTION_CALL.invokeExact(state, signal, wanted, MemorySegment.NULL);
                if (set == 0) return signal;
            }
            throw new HostException("find a signal to interrupt threads with", "sigaction", Libc.errno(state), "");
        } catch (HostException none) {
            throw none;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }
}
