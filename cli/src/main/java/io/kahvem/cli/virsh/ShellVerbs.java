package io.kahvem.cli.virsh;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What concerns this program alone.
final class ShellVerbs {
    static final List<Verb> TABLE = List.of(
            shell("completion", "Print what makes a shell complete these verbs and their options.",
                    call -> call.session().print(CompletionScript.of(call.given("shell"))), "<shell> bash, zsh or fish."),
            shell("connect", "Connect to another daemon.", ShellVerbs::connect, "[name] Its URI.", "--readonly Only read."),
            shell("echo", "Print the words.", ShellVerbs::echo, "--shell Quote them for a shell.", "--xml Escape them for XML.",
                    "--err On the error stream.", "[string...] The words."),
            shell("exit", "Leave the shell.", ShellVerbs::leave),
            shell("help", "Print help, for all verbs, a group of them or one.", Help::print, "[command] The verb or the group's name."),
            shell("pwd", "Print the directory file names start from.",
                    call -> call.session().print(Path.of("").toAbsolutePath() + "\n")),
            shell("quit", "Leave the shell.", ShellVerbs::leave));

    private ShellVerbs() {}

    private static Verb shell(String name, String summary, Verb.Action action, String... rows) {
        return new Verb(name, Group.SHELL, summary, false, action, List.of(rows));
    }

    private static void leave(Call call) {
        throw new Virsh.Leave();
    }

    private static void connect(Call call) {
        call.session().connect(call.text("name").orElse(call.session().uri()), call.has("readonly"));
    }

    private static void echo(Call call) {
        Optional<String> text = call.all("string").stream()
                .map(word -> call.has("xml") ? Xml.escape(word) : word)
                .map(word -> call.has("shell") && !word.matches("[\\w./:@%+=,-]+") ? "'" + word.replace("'", "'\\''") + "'" : word)
                .reduce((one, other) -> one + " " + other);
        if (call.has("err")) {
            call.session().complain(text.orElse(""));
        } else {
            call.session().print(text.orElse(""));
        }
    }
}
