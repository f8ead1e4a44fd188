package io.kahvem.cli;

import io.kahvem.cli.sandbox.Confinement;
import io.kahvem.cli.sandbox.ProcessConfinement;
import io.kahvem.host.Terminal;
import io.kahvem.vmm.MachineHost;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The process: its standard streams, its signals and its exit status.
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        // What we print is for programs too, and the same in every locale; of any other locale Java would read the numbers' looks first.
        Locale.setDefault(Locale.Category.FORMAT, Locale.US);
        ProcessEnd end = ProcessEnd.ofThisProcess();
        Terminal terminal = Terminal.standardInput();
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {
            terminal.restore();
            System.err.println(Cli.bugReport(e) + "\n  Thread: " + thread.getName());
            if (System.getenv("KAHVEM_DEBUG") != null) e.printStackTrace();
            System.exit(ExitStatus.HOST_FAILED);
        });
        end.leave(new Cli(context(end, terminal, new ProcessConfinement(args))).run(args));
    }

    /// This process, as commands see it.
    static CliContext context(ProcessEnd end, Terminal terminal, Confinement confinement) {
        return new CliContext(
                System.getenv(),
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.out),
                System.err,
                terminal,
                Terminal.standardOutput()::isTerminal,
                Terminal.standardError()::isTerminal,
                end,
                once(MachineHost::system),
                confinement);
    }

    private static <T> Supplier<T> once(Supplier<T> make) {
        AtomicReference<@Nullable T> made = new AtomicReference<>();
        return () -> {
            T known = made.get();
            if (known != null) return known;
            T first = make.get();
            T other = made.compareAndExchange(null, first);
            return other == null ? first : other;
        };
    }
}
