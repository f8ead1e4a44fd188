package io.kahvem.cli;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/// Options as nearly everybody writes them: `--flag`, `--name=value`, `--name value`.
public final class PlainOptions {
    private PlainOptions() {}

    /// Gives each to `flag` or to `value`, which tell whether they know it. False at the first that neither knows, or that may mean
    /// something else.
    ///
    /// @param several those that may be given several times
    public static boolean take(List<String> arguments, Set<String> several, Predicate<String> flag, BiPredicate<String, String> value) {
        Set<String> seen = new HashSet<>();
        for (int n = 0; n < arguments.size(); n++) {
            String argument = arguments.get(n);
            int equals = argument.indexOf('=');
            String name = equals < 0 ? argument : argument.substring(0, equals);
            if (!seen.add(name) && !several.contains(name)) return false;
            if (equals >= 0) {
                if (!value.test(name, argument.substring(equals + 1))) return false;
            } else if (!flag.test(name)) {
                n++;
                if (n == arguments.size() || arguments.get(n).startsWith("-") || !value.test(name, arguments.get(n))) return false;
            }
        }
        return true;
    }
}
