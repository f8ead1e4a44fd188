package io.kahvem.cli.daemon;

import io.kahvem.cli.CliException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How this process was started, so that it can start others of its kind: the same JVM, options and jars.
final class OwnCommand {
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

    private OwnCommand() {}

    /// The command up to the arguments of ours, of which the first is `verb`.
    static List<String> before(String verb) {
        try {
            List<String> words = new ArrayList<>(Arrays.asList(Files.readString(COMMAND_LINE).split("\0")));
            int at = words.indexOf(verb);
            if (at < 1) throw CliException.hostFailed("%s does not name the verb \"%s\": %s".formatted(COMMAND_LINE, verb, words));
            words.set(0, Files.readSymbolicLink(Path.of("/proc/self/exe")).toString());
            return List.copyOf(words.subList(0, at));
        } catch (IOException e) {
            throw CliException.hostFailed("cannot read how this process was started: " + e);
        }
    }
}
