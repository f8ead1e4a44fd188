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

    static Serial parse(String text) {
        if (text.equals("stdio")) return new Stdio();
        if (text.equals("none")) return new None();
        if (text.startsWith("file:") && text.length() > "file:".length()) return new ToFile(Path.of(text.substring("file:".length())));
        throw ConfigException.of("serial", text, "is no place for a serial line; give stdio, none or file:PATH");
    }
}
