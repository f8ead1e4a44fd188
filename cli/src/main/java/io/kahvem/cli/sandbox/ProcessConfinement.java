package io.kahvem.cli.sandbox;

import io.kahvem.host.HostException;
import io.kahvem.host.Landlock;
import io.kahvem.host.ProcessImage;
import io.kahvem.host.Seccomp;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/// This process. Landlock holds for one thread and what it starts, and a JVM has threads before its first line of Java: so the process
/// starts itself again, the same program with the same JVM options, from a thread that Landlock holds.
public final class ProcessConfinement implements Confinement {
    /// Set for the second start; its value is the version of Landlock.
    private static final String CONFINED = "kahvem.confined";

    private static final String REHEARSAL = "this is a rehearsal";
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
    private static final Path PROGRAM = Path.of("/proc/self/exe");

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
        if (System.getProperty(CONFINED) != null) return proof();
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
            List<byte[]> command = splitAtZeros(Files.readAllBytes(COMMAND_LINE));
            int options = command.size() - this.arguments.size();
            Charset charset = Charset.forName(System.getProperty("sun.jnu.encoding"));
            for (int n = 0; n < this.arguments.size(); n++) {
                if (options < 1 || !Arrays.equals(command.get(options + n), this.arguments.get(n).getBytes(charset))) {
                    return "the start of this process cannot be repeated: the end of %s is not %s".formatted(COMMAND_LINE, this.arguments);
                }
            }
            String program = Files.readSymbolicLink(PROGRAM).toString();
            List<byte[]> again = new ArrayList<>(command.subList(0, options));
            again.add(1, ("-D" + CONFINED + "=" + Landlock.abi()).getBytes(charset));
            // The user database is none of a machine's files; messages name the user.
            again.add(2, ("-Duser.name=" + System.getProperty("user.name")).getBytes(charset));
            for (String argument : arguments) again.add(argument.getBytes(charset));
            List<Landlock.Rule> all = OwnFiles.of(command.subList(0, options).stream().map(option -> new String(option, charset)).toList());
            all.addAll(files);
            Landlock.confineThisThread(all);
            if (rehearsal) return REHEARSAL;
            ProcessImage.replace(program, again);
            throw new AssertionError("a process that was replaced went on");
        } catch (IOException | HostException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static List<byte[]> splitAtZeros(byte[] bytes) {
        List<byte[]> parts = new ArrayList<>();
        ByteArrayOutputStream part = new ByteArrayOutputStream();
        for (byte b : bytes) {
            if (b == 0) {
                parts.add(part.toByteArray());
                part.reset();
            } else {
                part.write(b);
            }
        }
        return parts;
    }
}
