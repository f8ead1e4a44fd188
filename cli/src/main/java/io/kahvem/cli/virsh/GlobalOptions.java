package io.kahvem.cli.virsh;

import java.util.List;
import java.util.Optional;

/// The options before the verb, which are virsh's.
///
/// @param command the verb and its arguments, or a text of several; empty for the shell
record GlobalOptions(
        Optional<String> uri, boolean readOnly, boolean quiet, boolean timing, char escape, int keepAliveSeconds, int keepAliveCount,
        List<String> command) {
    private static final int KEEPALIVE_SECONDS = 5;
    private static final int KEEPALIVE_COUNT = 6;
    private static final char GROUP_SEPARATOR = 0x1d;

    static GlobalOptions parse(List<String> arguments) {
        Optional<String> uri = Optional.empty();
        boolean readOnly = false;
        boolean quiet = false;
        boolean timing = false;
        char escape = GROUP_SEPARATOR;
        int seconds = KEEPALIVE_SECONDS;
        int count = KEEPALIVE_COUNT;
        Words words = new Words(arguments);
        for (Optional<Words.Option> next; (next = words.option()).isPresent(); ) {
            Words.Option option = next.get();
            switch (option.name()) {
                case "-c", "--connect" -> uri = Optional.of(words.value(option));
                case "-d", "--debug", "-l", "--log" -> words.value(option);
                case "-e", "--escape" -> escape = escape(words.value(option));
                case "-k", "--keepalive-interval" -> seconds = number(option.name(), words.value(option));
                case "-K", "--keepalive-count" -> count = number(option.name(), words.value(option));
                case "-q", "--quiet" -> quiet = true;
                case "-r", "--readonly" -> readOnly = true;
                case "-t", "--timing" -> timing = true;
                default -> throw new Failure("unsupported option '%s'. See --help.".formatted(option.name()));
            }
        }
        return new GlobalOptions(uri, readOnly, quiet, timing, escape, seconds, count, words.rest());
    }

    /// Whether an argument begins a command for a daemon, where it stands first.
    static boolean isOne(String argument) {
        String name = argument.replaceFirst("=.*", "");
        if (!name.startsWith("--")) name = name.length() > 2 ? name.substring(0, 2) : name;
        return List.of("-c", "--connect", "-d", "--debug", "-e", "--escape", "-k", "--keepalive-interval", "-K", "--keepalive-count",
                "-l", "--log", "-q", "--quiet", "-r", "--readonly", "-t", "--timing").contains(name);
    }

    private static int number(String name, String text) {
        try {
            int number = Integer.parseInt(text);
            if (number >= 0) return number;
        } catch (NumberFormatException e) {
            throw new Failure("Invalid value for option %s".formatted(name));
        }
        throw new Failure("Invalid value for option %s".formatted(name));
    }

    /// A character, or `^` and one, as the key that leaves a console.
    private static char escape(String text) {
        if (text.length() == 1) return text.charAt(0);
        if (text.length() == 2 && text.charAt(0) == '^') return (char) (Character.toUpperCase(text.charAt(1)) & 0x1f);
        throw new Failure("Invalid string '%s' for escape sequence".formatted(text));
    }

    /// Arguments, with values in the next word, after `=` or right behind a letter.
    private static final class Words {
        private final List<String> arguments;
        private int at;

        Words(List<String> arguments) {
            this.arguments = arguments;
        }

        record Option(String name, Optional<String> value) {}

        Optional<Option> option() {
            if (at == arguments.size()) return Optional.empty();
            String word = arguments.get(at);
            if (word.equals("--")) {
                at++;
                return Optional.empty();
            }
            if (!word.startsWith("-") || word.length() < 2) return Optional.empty();
            at++;
            int equals = word.indexOf('=');
            if (word.startsWith("--") && equals > 0) {
                return Optional.of(new Option(word.substring(0, equals), Optional.of(word.substring(equals + 1))));
            }
            if (word.startsWith("--") || word.length() == 2) return Optional.of(new Option(word, Optional.empty()));
            return Optional.of(new Option(word.substring(0, 2), Optional.of(word.substring(2))));
        }

        String value(Option option) {
            if (option.value().isPresent()) return option.value().get();
            if (at == arguments.size()) throw new Failure("option '%s' requires an argument".formatted(option.name()));
            return arguments.get(at++);
        }

        List<String> rest() {
            return arguments.subList(at, arguments.size());
        }
    }
}
