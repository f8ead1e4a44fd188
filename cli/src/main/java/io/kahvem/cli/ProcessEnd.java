package io.kahvem.cli;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/// How the process ends from outside: what a shutdown hook undoes, and what SIGINT, SIGTERM and SIGHUP do. One in a process.
public final class ProcessEnd {
    private final Deque<Runnable> undos = new ArrayDeque<>();
    private volatile IntConsumer onSignal = number -> exit(ExitStatus.signal(number));
    private volatile Runnable onContinue = () -> {};

    /// For tests: touches nothing of the process.
    public ProcessEnd() {}

    /// Takes over the process' signals and shutdown.
    static ProcessEnd ofThisProcess() {
        ProcessEnd end = new ProcessEnd();
        Runtime.getRuntime().addShutdownHook(new Thread(end::undoAll, "undo"));
        for (String name : List.of("INT", "TERM", "HUP")) end.handle(name, number -> end.onSignal.accept(number));
        end.handle("CONT", number -> end.onContinue.run());
        return end;
    }

    private void handle(String name, IntConsumer action) {
        Signal signal;
        try {
            signal = new Signal(name);
            SignalHandler before = Signal.handle(signal, s -> action.accept(s.getNumber()));
            // Ignored by who started us (nohup, a shell's background job): it stays so.
            if (SignalHandler.SIG_IGN.equals(before)) Signal.handle(signal, before);
        } catch (IllegalArgumentException e) {
            // No such signal on this host, or the JVM was told to leave it alone (-Xrs): its default action ends the process.
            return;
        }
    }

    /// Something to undo however the process ends, until the result is closed. It may run on another thread, once, and must not wait.
    public synchronized Undo add(Runnable undo) {
        undos.push(undo);
        return () -> remove(undo);
    }

    /// Registered with [#add]; closing it forgets the undo without running it.
    @FunctionalInterface
    public interface Undo extends AutoCloseable {
        @Override
        void close();
    }

    /// What a first signal does from here on, given its number; a second ends the process at once. Before the first call, a signal
    /// ends the process with 128 and its number.
    public void onSignal(IntConsumer action) {
        onSignal = number -> {
            onSignal = again -> exit(ExitStatus.signal(again));
            action.accept(number);
        };
    }

    /// What to do when the process goes on after it was stopped (SIGCONT).
    public void onContinue(Runnable action) {
        onContinue = action;
    }

    /// As the signal would, for tests.
    void raise(int number) {
        onSignal.accept(number);
    }

    void undoAll() {
        for (Runnable undo; (undo = next()) != null; ) undo.run();
    }

    private synchronized void remove(Runnable undo) {
        undos.remove(undo);
    }

    private synchronized @Nullable Runnable next() {
        return undos.poll();
    }

    /// Ends this process once its work is done. System.exit would look for a logger first, on the whole module path, which takes longer
    /// than many a command; whoever gives the JVM options (a flight recorder's, say) may need what it does besides.
    void leave(int status) {
        if (!System.getenv().getOrDefault("KAHVEM_JAVA_OPTS", "").isEmpty()) System.exit(status);
        undoAll();
        Runtime.getRuntime().halt(status);
    }

    /// On a thread of its own: a signal handler's thread must not wait for shutdown hooks.
    private static void exit(int status) {
        new Thread(() -> System.exit(status), "exit").start();
    }
}
