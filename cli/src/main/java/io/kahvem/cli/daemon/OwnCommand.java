package io.kahvem.cli.daemon;

import io.kahvem.cli.CliException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// How this process was started, so that it can start machines: the same JVM and jars, with the options that the launcher says machines
/// have in place of those a daemon has.
final class OwnCommand {
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

    /// Ends the options that are a daemon's own; its value is those of a machine, a line each.
    private static final String MACHINES = "-Dkahvem.machines=";

    private OwnCommand() {}

    /// The command up to the arguments of ours, of which the first is `verb`.
    static List<String> before(String verb) {
        try {
            List<String> words = List.of(Files.readString(COMMAND_LINE).split("\0"));
            int at = words.indexOf(verb);
            if (at < 1) throw CliException.hostFailed("%s does not name the verb \"%s\": %s".formatted(COMMAND_LINE, verb, words));
            String program = Files.readSymbolicLink(Path.of("/proc/self/exe")).toString();
            List<String> options = new ArrayList<>(words.subList(1, at));
            int own = IntStream.range(0, options.size()).filter(n -> options.get(n).startsWith(MACHINES)).findFirst().orElse(-1);
            List<String> command = new ArrayList<>(List.of(program));
            if (own >= 0) command.addAll(List.of(options.get(own).substring(MACHINES.length()).split("\n")));
            command.addAll(options.subList(own + 1, options.size()));
            return List.copyOf(command);
        } catch (IOException e) {
            throw CliException.hostFailed("cannot read how this process was started: " + e);
        }
    }
}
