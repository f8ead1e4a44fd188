package io.kahvem.cli.run;

import io.kahvem.cli.CliContext;
import io.kahvem.cli.CliException;
import io.kahvem.cli.ExitStatus;
import io.kahvem.cli.ProcessEnd;
import io.kahvem.cli.console.ConsoleInput;
import io.kahvem.cli.console.ConsoleOutput;
import io.kahvem.cli.console.TextDisplay;
import io.kahvem.cli.sandbox.Sandbox;
import io.kahvem.config.Display;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.Serial;
import io.kahvem.devices.ByteSink;
import io.kahvem.host.PseudoTerminal;
import io.kahvem.host.Terminal;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.MachineResult;
import io.kahvem.vmm.MachineStatistics;
import io.kahvem.vmm.ShutdownCause;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// One machine in the foreground: its serial line on the standard streams, the process' signals and Ctrl-] as its off switch, its end
/// as an exit status.
final class Foreground {
    /// How long a reader that does not read can delay the end of a process that was told to end.
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final int LEFT = -1;

    private final CliContext context;
    private final MachineConfig config;
    private final Sandbox sandbox;
    private final boolean stats;
    private final @Nullable PseudoTerminal pty;
    private final ConsoleOutput console = new ConsoleOutput();
    private final ConsoleOutput debug = new ConsoleOutput();
    /// What stopped the machine from our side: a signal's number, LEFT, or 0.
    private final AtomicInteger stoppedBy = new AtomicInteger();

    /// `pty` is the serial line's end, where the configuration says that it is a pseudo-terminal.
    Foreground(CliContext context, MachineConfig config, Sandbox sandbox, boolean stats, @Nullable PseudoTerminal pty) {
        this.pty = pty;
        this.context = context;
        this.config = config;
        this.sandbox = sandbox;
        this.stats = stats;
    }

    int run() {
        boolean stdio = config.serial() instanceof Serial.Stdio;
        Terminal terminal = context.inputTerminal();
        ByteSink serialOut = config.serial() instanceof Serial.None ? ByteSink.DISCARD : console::put;
        ByteSink debugOut = switch (config.debugcon()) {
            case Serial.None ignored -> ByteSink.DISCARD;
            case Serial.Stdio ignored -> stdio ? console::put : debug::put;
            case Serial.ToFile ignored -> debug::put;
            case Serial.Pty ignored -> throw new AssertionError("refused with the options");
        };
        try (Machine machine = Machine.create(config, serialOut, debugOut, context.machineHost().get());
                OutputStream stream = open("serial", config.serial());
                OutputStream debugStream = open("debugcon", config.debugcon());
                ProcessEnd.Undo undo = context.processEnd().add(terminal::restore)) {
            context.processEnd().onSignal(number -> stop(machine, number));
            machine.engineRemark().ifPresent(remark -> context.err().println("kahvem: " + remark));
            console.start(stream);
            debug.start(debugStream);
            if (stdio) {
                terminal.raw();
                // Who stopped us (a shell's job control) has set the terminal its own way meanwhile.
                context.processEnd().onContinue(() -> {
                    terminal.restore();
                    terminal.raw();
                });
            }
            Optional<TextDisplay> display = config.display() == Display.TEXT
                    ? machine.vga().map(vga -> new TextDisplay(vga, context.out(), context.outIsTerminal().getAsBoolean()))
                    : Optional.empty();
            sandbox.confineCalls();
            machine.start();
            display.ifPresent(TextDisplay::start);
            if (pty != null) Thread.ofPlatform().daemon().name("terminal input").start(() -> feed(pty, machine));
            if (stdio) {
                ConsoleInput.GuestLine line = machine.serialInput()::feed;
                new ConsoleInput(context.in(), terminal.isTerminal(), line, () -> stop(machine, LEFT)).start();
            }
            MachineResult result = await(machine);
            display.ifPresent(TextDisplay::close);
            context.processEnd().onContinue(() -> {});
            console.close(result instanceof MachineResult.Stopped || result instanceof MachineResult.TimedOut ? PATIENCE : Duration.ZERO);
            debug.close(PATIENCE);
            terminal.restore();
            if (stats) print(machine.statistics());
            return status(result);
        } catch (IOException e) {
            throw CliException.hostFailed("cannot close the serial line's file: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw CliException.hostFailed("interrupted while the machine ran");
        } finally {
            terminal.restore();
        }
    }

    private static void feed(PseudoTerminal pty, Machine machine) {
        byte[] chunk = new byte[1024];
        try {
            for (int count; (count = pty.read(chunk)) >= 0; ) {
                if (!machine.serialInput().feed(chunk, 0, count)) return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void stop(Machine machine, int by) {
        stoppedBy.compareAndSet(0, by);
        console.neverWait();
        debug.neverWait();
        machine.stop(by == LEFT ? ShutdownCause.HOST_UI : ShutdownCause.HOST_SIGNAL);
    }

    /// The machine's end. A vCPU that waits for the reader of our output cannot see that time is up, so it is freed here.
    private MachineResult await(Machine machine) throws InterruptedException {
        if (config.timeout().isPresent()) {
            try {
                return machine.ended().get(config.timeout().get().toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                console.neverWait();
            } catch (ExecutionException e) {
                throw new AssertionError("a machine's end is a result", e);
            }
        }
        return machine.await();
    }

    /// Not closed where it is the standard output; that stays open for whatever else the process has to say.
    private OutputStream open(String option, Serial serial) {
        return switch (serial) {
            case Serial.Stdio ignored -> new Unclosed(context.out());
            case Serial.None ignored -> OutputStream.nullOutputStream();
            case Serial.ToFile file -> open(option, file.path());
            case Serial.Pty ignored -> new TerminalOutput(Objects.requireNonNull(pty, "opened with the options"));
        };
    }

    private static OutputStream open(String option, Path file) {
        try {
            return Files.newOutputStream(file);
        } catch (IOException e) {
            String reason = e instanceof NoSuchFileException ? "its directory does not exist" : e.toString();
            throw CliException.badInput("--%s: cannot write %s: %s".formatted(option, file, reason));
        }
    }

    private int status(MachineResult result) {
        PrintStream err = context.err();
        if (config.serial() instanceof Serial.ToFile file && console.failure().isPresent()) {
            err.println("kahvem: the rest of the serial output is lost, since %s cannot be written: %s"
                    .formatted(file.path(), console.failure().get().getMessage()));
        }
        return switch (result) {
            case MachineResult.PoweredOff ignored -> ExitStatus.OK;
            case MachineResult.ResetRequested ignored -> ExitStatus.OK;
            case MachineResult.DebugExit exit -> ExitStatus.debugExit(exit.value());
            case MachineResult.Panicked panicked -> {
                err.println("kahvem: the guest panicked");
                yield panicked.failure() ? ExitStatus.GUEST_FAILED : ExitStatus.OK;
            }
            case MachineResult.TripleFault fault -> {
                err.println("kahvem: the guest failed: triple fault (%s)".formatted(fault.reason()));
                yield ExitStatus.GUEST_FAILED;
            }
            case MachineResult.TimedOut ignored -> {
                err.println("kahvem: stopped: --timeout ran out");
                yield ExitStatus.TIMEOUT;
            }
            case MachineResult.Stopped stopped -> stopped(err, stopped.by());
            case MachineResult.HostFailure failure -> throw rethrown(failure.cause());
        };
    }

    private int stopped(PrintStream err, ShutdownCause cause) {
        if (cause == ShutdownCause.HOST_QMP_QUIT) return ExitStatus.OK;
        int by = stoppedBy.get();
        if (by != LEFT) return ExitStatus.signal(by);
        err.println();
        err.println("kahvem: left with Ctrl-]; the machine is stopped");
        return ExitStatus.OK;
    }

    /// As it was thrown, so that [io.kahvem.cli.Cli] tells the host's failures from bugs.
    private static RuntimeException rethrown(Throwable cause) {
        if (cause instanceof Error error) throw error;
        return cause instanceof RuntimeException e ? e : new IllegalStateException(cause);
    }

    private void print(MachineStatistics s) {
        PrintStream err = context.err();
        double seconds = s.running().toNanos() / 1e9;
        err.println("kahvem: engine %s, %s s, %d resets, %d accesses where nothing answers"
                .formatted(s.engine(), decimal(seconds), s.resets(), s.unclaimedAccesses()));
        for (int vcpu = 0; vcpu < s.instructionsRetired().size(); vcpu++) {
            long count = s.instructionsRetired().get(vcpu);
            err.println("kahvem: vCPU %d: %s"
                    .formatted(vcpu, count < 0 ? "the engine does not count instructions" : count + " instructions"));
        }
        long total = s.totalInstructions();
        if (total >= 0 && seconds > 0) {
            err.println("kahvem: total: %d instructions, %s MIPS".formatted(total, decimal(total / seconds / 1e6)));
        }
        s.counters().forEach((name, count) -> err.println("kahvem: %s: %d".formatted(name, count)));
    }

    private static String decimal(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    /// A pseudo-terminal as a stream, closed with the machine.
    private static final class TerminalOutput extends OutputStream {
        private final PseudoTerminal pty;

        TerminalOutput(PseudoTerminal pty) {
            this.pty = pty;
        }

        @Override
        public void write(int value) {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            pty.write(bytes, offset, length);
        }

        @Override
        public void close() {
            pty.close();
        }
    }

    /// A stream that someone else will close.
    private static final class Unclosed extends OutputStream {
        private final OutputStream stream;

        Unclosed(OutputStream stream) {
            this.stream = stream;
        }

        @Override
        public void write(int value) throws IOException {
            stream.write(value);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            stream.write(bytes, offset, length);
        }

        @Override
        public void flush() throws IOException {
            stream.flush();
        }
    }
}
