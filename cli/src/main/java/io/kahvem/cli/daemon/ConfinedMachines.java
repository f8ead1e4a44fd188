package io.kahvem.cli.daemon;

import io.kahvem.cli.CliContext;
import io.kahvem.cli.run.RunCommand;
import io.kahvem.cli.sandbox.ConfinedStart;
import io.kahvem.daemon.LazyLogger;
import io.kahvem.daemon.MachineStarter;
import io.kahvem.host.ConfinedProcess;
import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.host.Landlock;
import java.io.File;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Starts machines' processes confined to their files, which spares each of them a second start of its JVM. Where that cannot be, and for a
/// machine whose files cannot be told, the process is started as by hand: it confines itself, or says what is wrong with the machine.
public final class ConfinedMachines implements MachineStarter {
    private static final Logger LOG = LazyLogger.of("io.kahvem.cli.daemon");

    private final CliContext context;
    private final ConfinedStart start;
    private final MachineStarter byHand;
    private @Nullable Boolean canConfine;

    private ConfinedMachines(CliContext context, ConfinedStart start, MachineStarter byHand) {
        this.context = context;
        this.start = start;
        this.byHand = byHand;
    }

    /// Starts them by `program`, this program's command up to its arguments.
    public static MachineStarter of(List<String> program, CliContext context) {
        return new ConfinedMachines(context, ConfinedStart.of(program), MachineStarter.of(program));
    }

    /// Asked at the first machine's start, since the daemon's own need not wait for the answer.
    private synchronized boolean canConfine() {
        if (canConfine == null) {
            Optional<String> why = ConfinedProcess.whyNot();
            why.ifPresent(reason ->
                    LOG.log(Level.INFO, "machines confine themselves, which takes each a second start of its JVM: {0}", reason));
            canConfine = why.isEmpty();
        }
        return canConfine;
    }

    /// A newer build may have taken the place of the one this process runs from.
    private static void requireBuild() throws IOException {
        for (String part : System.getProperty("jdk.module.path", "").split(File.pathSeparator)) {
            if (part.isEmpty() || Files.exists(Path.of(part))) continue;
            throw new IOException("the program that this daemon was started from is gone: there is no %s\n  %s"
                    .formatted(part, "Restart the daemon, which then starts machines from the new one; those that run go on."));
        }
    }

    @Override
    public ProcessHandle start(List<String> arguments, Path log) throws IOException {
        requireBuild();
        if (!canConfine()) return byHand.start(arguments, log);
        Optional<List<Landlock.Rule>> files = RunCommand.filesOf(context, arguments);
        if (files.isEmpty()) return byHand.start(arguments, log);
        try (Descriptor output = Descriptor.openForAppending(log.toString())) {
            return ConfinedProcess.start(start.rules(files.get()), start.program(), start.command(arguments), output);
        } catch (HostException e) {
            LOG.log(Level.WARNING, "a machine confines itself, which takes a second start of its JVM: {0}", e.getMessage());
            return byHand.start(arguments, log);
        }
    }
}
