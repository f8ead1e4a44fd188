package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/// Starts processes that [Landlock] holds from their first instruction on (posix_spawn(3)): a thread takes the restriction, starts the
/// process, which inherits it, and ends.
public final class ConfinedProcess {
    /// Closes what is open from a number on: without it the process would keep our sockets. In glibc from 2.34 on.
    private static final String CLOSE_FROM = "posix_spawn_file_actions_addclosefrom_np";

    /// Larger than `posix_spawn_file_actions_t` and `posix_spawnattr_t` of any C library.
    private static final long OPAQUE_BYTES = 1024;
    private static final long SIGNAL_SET_BYTES = 128;
    private static final short SETSIGMASK = 0x08;
    private static final short SETSID = 0x80;

    private ConfinedProcess() {}

    /// The functions, linked where the first process is started.
    private static final class Calls {
        private static final FunctionDescriptor OF_ONE = FunctionDescriptor.of(JAVA_INT, ADDRESS);
        static final MethodHandle ACTIONS_INIT = Libc.function("posix_spawn_file_actions_init", OF_ONE);
        static final MethodHandle ACTIONS_DESTROY = Libc.function("posix_spawn_file_actions_destroy", OF_ONE);
        static final MethodHandle ADD_DUP2 =
                Libc.function("posix_spawn_file_actions_adddup2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
        static final MethodHandle ADD_CLOSE_FROM = Libc.function(CLOSE_FROM, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle ATTRIBUTES_INIT = Libc.function("posix_spawnattr_init", OF_ONE);
        static final MethodHandle ATTRIBUTES_DESTROY = Libc.function("posix_spawnattr_destroy", OF_ONE);
        static final MethodHandle SET_FLAGS =
                Libc.function("posix_spawnattr_setflags", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_SHORT));
        static final MethodHandle SET_SIGNAL_MASK =
                Libc.function("posix_spawnattr_setsigmask", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
        static final MethodHandle SPAWN = Libc.function("posix_spawn",
                FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
        static final MethodHandle WAITPID = Libc.function("waitpid", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        static final MemorySegment ENVIRON = Libc.variable("environ", ADDRESS);

        private Calls() {}
    }

    /// Why no process can be started so; empty where it can.
    public static Optional<String> whyNot() {
        Optional<String> landlock = Landlock.whyNot();
        if (landlock.isPresent()) return landlock;
        if (Libc.has(CLOSE_FROM) && Libc.has("environ")) return Optional.empty();
        return Optional.of("this C library cannot close a new process' descriptors (glibc can from 2.34 on)");
    }

    /// Starts `program` in a session of its own, with this process' environment, nothing on standard input, and both outputs in `output`.
    /// It has the files of `rules` and no others, and no new privileges. Nobody has to wait for its end. Throws [HostException] where it
    /// cannot be; nothing has started then.
    ///
    /// @param arguments begin with the program's name; bytes, since they need not be text in any character set
    public static ProcessHandle start(List<Landlock.Rule> rules, String program, List<byte[]> arguments, Descriptor output) {
        Spawn spawn = new Spawn(rules, program, arguments, output);
        CompletableFuture<ProcessHandle> started = new CompletableFuture<>();
        // The thread that is confined makes no other thread and wakes none but this one, which is a thread of the operating system:
        // what it would make or wake (the carrier of a virtual thread) might be confined with it.
        Thread.ofPlatform().daemon().name("child of " + program).start(() -> {
            Thread confined = Thread.ofPlatform().name("confined").start(spawn);
            joinFully(confined);
            if (spawn.failure != null) {
                started.completeExceptionally(spawn.failure);
                return;
            }
            if (spawn.error != 0) {
                started.completeExceptionally(new HostException("start " + program, "posix_spawn", new Errno(spawn.error), ""));
                return;
            }
            started.complete(ProcessHandle.of(spawn.pid).orElseThrow(() -> new AssertionError("a child is there until it is waited for")));
            awaitEnd(spawn.pid);
        });
        try {
            return started.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof HostException refused) throw refused;
            throw new AssertionError("not started", e.getCause());
        }
    }

    private static void joinFully(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    private static void awaitEnd(int pid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            int result;
            do result = (int) Calls.WAITPID.invokeExact(state, pid, MemorySegment.NULL, 0);
            while (result < 0 && Libc.errnoNumber(state) == Errno.EINTR);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// What the confined thread does.
    private static final class Spawn implements Runnable {
        private final List<Landlock.Rule> rules;
        private final String program;
        private final List<byte[]> arguments;
        private final Descriptor output;
        private int pid;
        /// What posix_spawn gave, which is the error itself.
        private int error;
        private @Nullable Throwable failure;

        Spawn(List<Landlock.Rule> rules, String program, List<byte[]> arguments, Descriptor output) {
            this.rules = rules;
            this.program = program;
            this.arguments = arguments;
            this.output = output;
        }

        @Override
        public void run() {
            try (Descriptor nothing = Descriptor.openForReading("/dev/null"); Arena arena = Arena.ofConfined()) {
                spawn(nothing, arena);
            } catch (Throwable t) {
                failure = t;
            }
        }

        /// Once this thread is confined it may not find a class that is not loaded: all but the call itself comes before.
        private void spawn(Descriptor input, Arena arena) throws Throwable {
            MemorySegment state = Libc.callState(arena);
            MemorySegment actions = arena.allocate(OPAQUE_BYTES, 16);
            MemorySegment attributes = arena.allocate(OPAQUE_BYTES, 16);
            MemorySegment number = arena.allocate(JAVA_INT);
            MemorySegment vector = Libc.strings(arena, arguments);
            MemorySegment environment = Calls.ENVIRON.get(ADDRESS, 0);
            MemorySegment file = arena.allocateFrom(program);
            check((int) Calls.ACTIONS_INIT.invokeExact(state, actions));
            check((int) Calls.ATTRIBUTES_INIT.invokeExact(state, attributes));
            check((int) Calls.ADD_DUP2.invokeExact(state, actions, input.number(), 0));
            check((int) Calls.ADD_DUP2.invokeExact(state, actions, output.number(), 1));
            check((int) Calls.ADD_DUP2.invokeExact(state, actions, output.number(), 2));
            check((int) Calls.ADD_CLOSE_FROM.invokeExact(state, actions, 3));
            check((int) Calls.SET_FLAGS.invokeExact(state, attributes, (short) (SETSIGMASK | SETSID)));
            check((int) Calls.SET_SIGNAL_MASK.invokeExact(state, attributes, arena.allocate(SIGNAL_SET_BYTES, 8)));
            Landlock.confineThisThread(rules);
            error = (int) Calls.SPAWN.invokeExact(state, number, file, actions, attributes, vector, environment);
            pid = number.get(JAVA_INT, 0);
            int _ = (int) Calls.ACTIONS_DESTROY.invokeExact(state, actions);
            int _ = (int) Calls.ATTRIBUTES_DESTROY.invokeExact(state, attributes);
        }

        /// These fail where there is no memory.
        private static void check(int error) {
            if (error != 0) throw new HostException("prepare the start of a process", "posix_spawn", new Errno(error), "");
        }
    }
}
