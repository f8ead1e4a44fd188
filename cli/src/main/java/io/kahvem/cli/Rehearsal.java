package io.kahvem.cli;

import io.kahvem.cli.sandbox.ProcessConfinement;
import io.kahvem.host.Terminal;
import java.util.List;
import java.util.stream.Stream;

/// The training run of the AOT cache: the command it is given, on each engine, in the sandbox but for the confining itself. The launcher
/// runs it once a build; an engine that this host does not have is not rehearsed.
public final class Rehearsal {
    private static final List<String> ENGINES = List.of("auto", "kvm", "jvm");

    private Rehearsal() {}

    public static void main(String[] args) {
        CliContext context = Main.context(
                ProcessEnd.ofThisProcess(), Terminal.standardInput(), ProcessConfinement.rehearsal());
        for (String engine : ENGINES) {
            int status = new Cli(context).run(Stream.concat(Stream.of(args), Stream.of("--accel", engine)).toArray(String[]::new));
            System.err.println("rehearsed on engine %s: exit status %d".formatted(engine, status));
        }
        System.exit(ExitStatus.OK);
    }
}
