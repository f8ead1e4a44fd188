package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// A `kahvem` process: what it prints is awaited with a deadline, what it reads is typed.
///
/// Each wait fails with all that was printed so far, so a failed test shows the guest's console.
final class Guest implements AutoCloseable {
    /// Enough for two boots on a host that is busy with other things.
    private static final Duration PATIENCE = Duration.ofMinutes(15);

    private final Process process;
    private final Console out;
    private final Console err;
    private final long deadlineNanos;
    private int read;

    private Guest(Process process) {
        this.process = process;
        this.out = Console.of(process.getInputStream(), "guest-stdout");
        this.err = Console.of(process.getErrorStream(), "guest-stderr");
        this.deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
    }

    /// Starts `kahvem` with these arguments; all waits together take at most [#PATIENCE].
    static Guest start(Object... arguments) {
        return start(Map.of(), arguments);
    }

    /// With these variables beside or instead of this process' own.
    static Guest start(Map<String, String> environment, Object... arguments) {
        List<String> command = new ArrayList<>(List.of(launcher().toString()));
        for (Object argument : arguments) command.add(argument.toString());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        try {
            return new Guest(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// With files that a shell opens for it: `redirections` such as `5<>FILE`.
    static Guest startWithFiles(String redirections, Object... arguments) {
        List<String> command = new ArrayList<>(List.of("sh", "-c", "exec \"$0\" \"$@\" " + redirections, launcher().toString()));
        for (Object argument : arguments) command.add(argument.toString());
        try {
            return new Guest(new ProcessBuilder(command).start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Boots a guest of [TestGuests] on the Java engine; `more` are options.
    static Guest boot(TestGuests guests, String append, Object... more) {
        return bootOn("jvm", guests, append, more);
    }

    /// The same with the kernel that has all drivers.
    static Guest bootFull(TestGuests guests, String append, Object... more) {
        List<Object> arguments = new ArrayList<>(List.of("run", "--accel", "jvm", "--kernel", guests.fullVmlinuz(), "--initrd",
                guests.fullInitrd(), "--append", "console=ttyS0 " + append));
        arguments.addAll(List.of(more));
        return start(arguments.toArray());
    }

    /// The same with the Java engine's option `translate=`.
    static Guest bootTranslating(String when, TestGuests guests, String append, Object... more) {
        return bootOn("jvm,translate=" + when, guests, append, more);
    }

    private static Guest bootOn(String accel, TestGuests guests, String append, Object... more) {
        List<Object> arguments = new ArrayList<>(List.of(
                "run", "--accel", accel, "--kernel", guests.vmlinuz(), "--initrd", guests.initrd(), "--append", "console=ttyS0 " + append));
        arguments.addAll(List.of(more));
        return start(arguments.toArray());
    }

    /// The environment of a process whose home, cache and temporary files are all below `directory`.
    static Map<String, String> livingIn(Path directory) {
        return Map.of(
                "HOME", directory.toString(),
                "XDG_CACHE_HOME", directory.resolve("cache").toString(),
                "TMPDIR", directory.toString(),
                "KAHVEM_JAVA_OPTS", "-Djava.io.tmpdir=" + directory);
    }

    static Path launcher() {
        return Path.of(System.getProperty("kahvem.launcher")).normalize();
    }

    /// Sends text to the guest's serial line.
    Guest type(String text) {
        try {
            OutputStream in = process.getOutputStream();
            in.write(text.getBytes(UTF_8));
            in.flush();
            return this;
        } catch (IOException e) {
            throw new AssertionError("stdin is closed" + transcript(), e);
        }
    }

    Guest endInput() {
        try {
            process.getOutputStream().close();
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits until the guest prints `text`, and returns what it printed from the last wait's end to there.
    String await(String text) {
        int end = out.indexAfter(text, read, deadlineNanos);
        if (end < 0) throw new AssertionError("never printed: " + text + transcript());
        String printed = out.from(read, end);
        read = end;
        return printed;
    }

    /// Waits until the program itself says `text`.
    void awaitError(String text) {
        if (err.indexAfter(text, 0, deadlineNanos) < 0) throw new AssertionError("never said: " + text + transcript());
    }

    /// Ends the process as an accident does, and leaves what it started running.
    void kill() {
        signal("KILL");
        process.onExit().join();
    }

    /// Types a command at the prompt, which must have been awaited; returns what it printed, up to the next prompt.
    String shell(String prompt, String command) {
        type(command + "\n");
        await("\n"); // the echo
        String printed = await(prompt);
        return printed.substring(0, printed.length() - prompt.length()).replace("\r", "").replace("\u001b[6n", "");
    }

    /// Waits for the process to end by itself.
    int exitStatus() {
        try {
            if (!process.waitFor(Math.max(1, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS)
                    || !out.awaitEnd(deadlineNanos)
                    || !err.awaitEnd(deadlineNanos)) {
                throw new AssertionError("did not end" + transcript());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted" + transcript(), e);
        }
    }

    String stdout() {
        return out.toString();
    }

    String stderr() {
        return err.toString();
    }

    long pid() {
        return process.pid();
    }

    /// As `kill -NAME` does.
    void signal(String name) {
        try {
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO().start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted" + transcript(), e);
        }
    }

    /// The processes it started that are still there.
    List<ProcessHandle> children() {
        return process.descendants().toList();
    }

    String transcript() {
        return "\n--- stdout\n" + out + "\n--- stderr\n" + err + "\n---";
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        process.onExit().join();
    }
}
