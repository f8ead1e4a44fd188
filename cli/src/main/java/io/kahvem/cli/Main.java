package io.kahvem.cli;

import io.kahvem.cli.sandbox.Confinement;
import io.kahvem.cli.sandbox.ProcessConfinement;
import io.kahvem.host.Terminal;
import io.kahvem.vmm.MachineHost;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;

/// The process: its standard streams, its signals and its exit status.
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        ProcessEnd end = ProcessEnd.ofThisProcess();
        Terminal terminal = Terminal.standardInput();
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {
            terminal.restore();
            System.err.println(Cli.bugReport(e) + "\n  Thread: " + thread.getName());
            if (System.getenv("KAHVEM_DEBUG") != null) e.printStackTrace();
            System.exit(ExitStatus.HOST_FAILED);
        });
        System.exit(new Cli(context(end, terminal, new ProcessConfinement(args))).run(args));
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
                MachineHost::system,
                confinement);
    }
}
