package io.kahvem.cli.daemon;

import io.kahvem.cli.CliException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// How this process was started, so that it can start others of its kind: the same JVM, options and jars, but for how a daemon is compiled.
final class OwnCommand {
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

    /// What the launcher gives a daemon, and the last of which says that it has.
    private static final Set<String> COMPILATION =
            Set.of("-XX:TieredStopAtLevel=1", "-XX:CompileThresholdScaling=0.2", "-Dkahvem.compile=daemon");

    private OwnCommand() {}

    /// The command up to the arguments of ours, of which the first is `verb`.
    static List<String> before(String verb) {
        try {
            List<String> words = new ArrayList<>(Arrays.asList(Files.readString(COMMAND_LINE).split("\0")));
            int at = words.indexOf(verb);
            if (at < 1) throw CliException.hostFailed("%s does not name the verb \"%s\": %s".formatted(COMMAND_LINE, verb, words));
            words.set(0, Files.readSymbolicLink(Path.of("/proc/self/exe")).toString());
            List<String> command = new ArrayList<>(words.subList(0, at));
            if (System.getProperty("kahvem.compile") != null) command.removeAll(COMPILATION);
            return List.copyOf(command);
        } catch (IOException e) {
            throw CliException.hostFailed("cannot read how this process was started: " + e);
        }
    }
}
