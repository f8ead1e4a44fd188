package io.kahvem.config;

import java.nio.file.Path;

/// Where the machine's serial line ends on the host.
public sealed interface Serial {
    /// The terminal or the pipes of the process.
    record Stdio() implements Serial {}

    /// Output to a file, made or cut to nothing; no input.
    record ToFile(Path path) implements Serial {}

    /// Output is dropped, input never comes.
    record None() implements Serial {}

    /// A pseudo-terminal of the machine's own, raw; its name is known once it is made, and empty before.
    record Pty(String terminal) implements Serial {}

    static Serial parse(String text) {
        return parse("serial", text);
    }

    /// The same for another option that leads somewhere.
    static Serial parse(String option, String text) {
        if (text.equals("stdio")) return new Stdio();
        if (text.equals("none")) return new None();
        if (text.equals("pty") && option.equals("serial")) return new Pty("");
        if (text.startsWith("file:") && text.length() > "file:".length()) return new ToFile(Path.of(text.substring("file:".length())));
        String places = option.equals("serial") ? "stdio, pty, none or file:PATH" : "stdio, none or file:PATH";
        throw ConfigException.of(option, text, "is no place for a serial line; give " + places);
    }
}
