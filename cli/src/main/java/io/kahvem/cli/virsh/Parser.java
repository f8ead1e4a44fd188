package io.kahvem.cli.virsh;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads commands: as words of this process's arguments, or as a text of several, by virsh's rules.
final class Parser {
    private Parser() {}

    /// A verb and what it was given.
    record Parsed(Verb verb, Map<String, List<String>> values) {}

    /// One command. Throws [Failure] in virsh's words.
    static Parsed words(List<String> words) {
        String name = words.getFirst();
        Verb verb = Verbs.find(name).orElseThrow(() -> new Failure("unknown command: '%s'".formatted(name)));
        return arguments(verb, words.subList(1, words.size()));
    }

    /// The commands of a text: separated by semicolons and line ends; quotes, backslashes and comments as in a shell.
    static List<Parsed> text(String text) {
        return split(text).stream().map(Parser::words).toList();
    }

    private static Parsed arguments(Verb verb, List<String> words) {
        List<Opt> options = verb.options();
        Map<String, List<String>> values = new HashMap<>();
        boolean onlyData = false;
        for (int n = 0; n < words.size(); n++) {
            String word = words.get(n);
            boolean isOption = !onlyData && word.startsWith("--");
            if (isOption && word.length() == 2) {
                onlyData = true;
            } else if (isOption) {
                int equals = word.indexOf('=');
                String name = word.substring(2, equals < 0 ? word.length() : equals);
                if (name.equals("help")) return words(List.of("help", verb.name()));
                Opt option = find(options, name).orElseThrow(() ->
                        new Failure("command '%s' doesn't support option --%s".formatted(verb.name(), name)));
                if (values.containsKey(name) && option.kind() != Opt.Kind.REST) {
                    throw new Failure("option --%s already seen".formatted(name));
                }
                if (option.isFlag()) {
                    if (equals >= 0) throw new Failure("invalid '=' after option --%s".formatted(name));
                    values.put(name, List.of());
                } else if (equals >= 0) {
                    add(values, name, word.substring(equals + 1));
                } else if (++n < words.size()) {
                    add(values, name, words.get(n));
                } else {
                    throw new Failure("expected syntax: --%s <%s>".formatted(name, option.valueName()));
                }
            } else {
                Opt option = nextPlace(options, values).orElse(null);
                if (option == null) throw new Failure("unexpected data '%s'".formatted(word));
                add(values, option.name(), word);
            }
        }
        for (Opt option : options) {
            if (option.required() && !values.containsKey(option.name())) {
                throw new Failure("command '%s' requires <%s> option".formatted(verb.name(), option.name()));
            }
        }
        return new Parsed(verb, values);
    }

    private static void add(Map<String, List<String>> values, String name, String value) {
        values.computeIfAbsent(name, ignored -> new ArrayList<>()).add(value);
    }

    private static Optional<Opt> find(List<Opt> options, String name) {
        return options.stream().filter(each -> each.name().equals(name)).findFirst();
    }

    private static Optional<Opt> nextPlace(List<Opt> options, Map<String, List<String>> values) {
        return options.stream()
                .filter(each -> each.placed() && (each.kind() == Opt.Kind.REST || !values.containsKey(each.name())))
                .findFirst();
    }

    /// The words of each command.
    static List<List<String>> split(String text) {
        List<List<String>> commands = new ArrayList<>();
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int n = 0; n <= text.length(); n++) {
            char c = n < text.length() ? text.charAt(n) : '\n';
            boolean end = n == text.length();
            if (quote != 0) {
                if (end) throw new Failure("missing \"");
                if (c == quote) {
                    quote = 0;
                } else if (c == '\\' && quote == '"' && n + 1 < text.length()) {
                    word.append(text.charAt(++n));
                } else {
                    word.append(c);
                }
            } else if (c == ';' || c == '\n' || Character.isWhitespace(c)) {
                if (inWord) words.add(word.toString());
                word.setLength(0);
                inWord = false;
                if ((c == ';' || c == '\n') && !words.isEmpty()) {
                    commands.add(List.copyOf(words));
                    words.clear();
                }
            } else if (c == '#' && !inWord) {
                while (n + 1 < text.length() && text.charAt(n + 1) != '\n') n++;
            } else {
                inWord = true;
                if (c == '"' || c == '\'') {
                    quote = c;
                } else if (c == '\\') {
                    if (n + 1 >= text.length()) throw new Failure("dangling \\");
                    if (text.charAt(++n) != '\n') word.append(text.charAt(n));
                } else {
                    word.append(c);
                }
            }
        }
        return commands;
    }
}
