package io.kahvem.cli.virsh;

/// An option of a verb, as a row of the table writes it: how it is given, then what it means.
///
/// | row | given as |
/// |---|---|
/// | `<domain> ...` | must be there, by place or by `--domain VALUE` |
/// | `[device] ...` | may be there, by place or by name |
/// | `<count:number> ...` | a number |
/// | `[cmd...] ...` | all that is left |
/// | `--xpath=text ...` | by name alone |
/// | `--all ...` | a flag |
record Opt(String name, Kind kind, boolean required, boolean placed, String help) {
    enum Kind { FLAG, TEXT, NUMBER, REST }

    static Opt parse(String row) {
        int space = row.indexOf(' ');
        String given = row.substring(0, space);
        String help = row.substring(space + 1);
        if (given.startsWith("--")) {
            int equals = given.indexOf('=');
            if (equals < 0) return new Opt(given.substring(2), Kind.FLAG, false, false, help);
            return new Opt(given.substring(2, equals), given.endsWith("number") ? Kind.NUMBER : Kind.TEXT, false, false, help);
        }
        String inner = given.substring(1, given.length() - 1);
        Kind kind = inner.endsWith("...") ? Kind.REST : inner.endsWith(":number") ? Kind.NUMBER : Kind.TEXT;
        String name = inner.replace("...", "").replace(":number", "");
        return new Opt(name, kind, given.startsWith("<"), true, help);
    }

    boolean isFlag() {
        return kind == Kind.FLAG;
    }

    /// What its value is called in messages and help.
    String valueName() {
        return kind == Kind.NUMBER ? "number" : "string";
    }

    /// How a synopsis shows it.
    String synopsis() {
        return switch (kind) {
            case FLAG -> "[--%s]".formatted(name);
            case REST -> required ? "{[--%s] <string>}...".formatted(name) : "[[--%s] <string>]...".formatted(name);
            case TEXT, NUMBER -> required ? "<%s>".formatted(name) : "[--%s <%s>]".formatted(name, valueName());
        };
    }
}
