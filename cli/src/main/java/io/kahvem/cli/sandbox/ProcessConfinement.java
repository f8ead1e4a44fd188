package io.kahvem.cli.sandbox;

import io.kahvem.host.HostException;
import io.kahvem.host.Landlock;
import io.kahvem.host.ProcessImage;
import io.kahvem.host.Seccomp;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/// This process. Landlock holds for one thread and what it starts, and a JVM has threads before its first line of Java: so the process
/// starts itself again, the same program with the same JVM options, from a thread that Landlock holds; unless who started it has done so.
public final class ProcessConfinement implements Confinement {
    private static final String REHEARSAL = "this is a rehearsal";

    private final List<String> arguments;
    private final boolean rehearsal;

    /// `arguments` are those that main got.
    public ProcessConfinement(String... arguments) {
        this(List.of(arguments), false);
    }

    private ProcessConfinement(List<String> arguments, boolean rehearsal) {
        this.arguments = arguments;
        this.rehearsal = rehearsal;
    }

    /// Goes all the way, but confines only threads that end then, and says so: for a training run.
    public static Confinement rehearsal() {
        return new ProcessConfinement(List.of(), true);
    }

    @Override
    public Optional<String> confineFiles(List<Landlock.Rule> files, List<String> arguments) {
        if (System.getProperty(ConfinedStart.CONFINED) != null) return proof();
        Optional<String> why = Landlock.whyNot();
        if (why.isPresent()) return why;
        if (rehearsal) proof();
        return Optional.of(onAnotherThread(() -> restart(files, arguments)));
    }

    private static String onAnotherThread(Callable<String> action) {
        FutureTask<String> task = new FutureTask<>(action);
        Thread.ofPlatform().name("sandbox").start(task);
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        } catch (ExecutionException e) {
            throw new AssertionError("it gives its reason", e);
        }
    }

    @Override
    public Optional<String> confineCalls() {
        Optional<String> why = Seccomp.whyNot();
        if (why.isPresent()) return why;
        if (rehearsal) {
            return Optional.of(onAnotherThread(() -> {
                Seccomp.confineThisThread();
                return REHEARSAL;
            }));
        }
        try {
            Seccomp.confineThisProcess();
            return Optional.empty();
        } catch (HostException refused) {
            return Optional.of(String.valueOf(refused.getMessage()));
        }
    }

    /// The root directory is nobody's to list under Landlock.
    private static Optional<String> proof() {
        try {
            Files.newDirectoryStream(Path.of("/")).close();
            return Optional.of("the root directory can be listed, though this process was started as a confined one");
        } catch (AccessDeniedException refused) {
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(e.toString());
        }
    }

    /// Returns only if it fails, with the reason. On a thread of its own, which is lost then.
    private String restart(List<Landlock.Rule> files, List<String> arguments) {
        try {
            ConfinedStart start = ConfinedStart.ofThisProcess(this.arguments);
            List<byte[]> again = start.command(arguments);
            Landlock.confineThisThread(start.rules(files));
            if (rehearsal) return REHEARSAL;
            ProcessImage.replace(start.program(), again);
            throw new AssertionError("a process that was replaced went on");
        } catch (IOException | HostException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
