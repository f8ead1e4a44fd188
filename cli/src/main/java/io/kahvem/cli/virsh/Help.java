package io.kahvem.cli.virsh;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Help, from the table.
final class Help {
    private Help() {}

    static void print(Call call) {
        Optional<String> name = call.text("command");
        if (name.isEmpty()) {
            call.session().print("Grouped commands:\n\n");
            for (Group group : Group.values()) call.session().print(text(group));
            return;
        }
        Optional<Verb> verb = Verbs.find(name.get());
        if (verb.isPresent()) {
            call.session().print(text(verb.get()));
            return;
        }
        Group group = Stream.of(Group.values()).filter(each -> each.keyword().equals(name.get())).findFirst()
                .orElseThrow(() -> new Failure("command or command group '%s' doesn't exist".formatted(name.get())));
        call.session().print(text(group));
    }

    private static String text(Group group) {
        StringBuilder text = new StringBuilder(" %s (help keyword '%s'):\n".formatted(group.title(), group.keyword()));
        for (Verb each : Verbs.of(group)) text.append("    %-30s %s\n".formatted(each.name(), each.summary()));
        return text.append('\n').toString();
    }

    static String text(Verb verb) {
        List<Opt> options = verb.options();
        StringBuilder text = new StringBuilder(
                "  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s".formatted(verb.name(), verb.summary(), verb.name()));
        for (Opt each : options) text.append(' ').append(each.synopsis());
        text.append('\n');
        if (!options.isEmpty()) text.append("\n  OPTIONS\n");
        for (Opt each : options) {
            String given = each.isFlag() ? "--" + each.name()
                    : each.required() || each.kind() == Opt.Kind.REST ? "[--%s] <%s>".formatted(each.name(), each.valueName())
                    : "--%s <%s>".formatted(each.name(), each.valueName());
            text.append("    %-16s %s\n".formatted(given, each.help()));
        }
        return text.append('\n').toString();
    }
}
