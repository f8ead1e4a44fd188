package io.kahvem.cli.virsh;

import java.util.List;

/// A row of the table.
///
/// @param summary one line, which also is its help
/// @param connects whether it needs a daemon
/// @param rows its options, in the order of places ([Opt])
record Verb(String name, Group group, String summary, boolean connects, Action action, List<String> rows) {
    /// What a verb does. Throws [Failure], or what the daemon refuses.
    @FunctionalInterface
    interface Action {
        void run(Call call);
    }

    /// Prints what its first argument selects as JSON: the option of every verb that scripts read.
    static final String JSON = "--json Print JSON.";

    static Verb of(Group group, String name, String summary, Action action, String... rows) {
        return new Verb(name, group, summary, true, action, List.of(rows));
    }

    List<Opt> options() {
        return rows.stream().map(Opt::parse).toList();
    }
}
