package io.kahvem.guest;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// What kbench prints. Its check values say whether a test computed what it should: they are the same on every machine.
final class Kbench {
    /// As QEMU's TCG (`-cpu max`) has them.
    static final Map<String, String> CHECKS = Map.ofEntries(
            Map.entry("int.sha256", "f213bce4699cd61f"),
            Map.entry("int.sort", "20f537a4a492f75c"),
            Map.entry("int.hash", "00000000c3349200"),
            Map.entry("int.fib", "000000000000b520"),
            Map.entry("int.bytecode", "1a1ec907679af435"),
            Map.entry("mem.copy", "0000000000000001"),
            Map.entry("mem.chase", "00000000000876eb"),
            Map.entry("fp.matmul", "00158e0000000000"),
            Map.entry("fp.nbody", "7f96a8e16ea79a35"),
            Map.entry("fp.mandel", "0000000000019ed3"),
            Map.entry("fp.x87", "00253c1f0e24a40f"),
            Map.entry("sys.call", "00000000000007d0"),
            Map.entry("sys.pipe", "0000000000000001"),
            Map.entry("sys.fork", "000000000000000a"),
            Map.entry("sys.fault", "0000000000000200"));

    private static final Pattern LINE = Pattern.compile("(?m)^kbench (\\S+) +[0-9.]+ ([0-9a-f]{16})\r?$");

    private Kbench() {}

    /// Check values by test.
    static Map<String, String> checks(String printed) {
        Map<String, String> checks = new TreeMap<>();
        for (MatchResult line : LINE.matcher(printed).results().toList()) checks.put(line.group(1), line.group(2));
        return checks;
    }
}
