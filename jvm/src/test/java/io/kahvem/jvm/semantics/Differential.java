package io.kahvem.jvm.semantics;

import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/// Runs code on the host's processor and on the engine and keeps what differs, one case for each subject, with all it takes to run it
/// again.
final class Differential implements AutoCloseable {
    private static final int REPORTED = 12;

    final HostCpu host;
    final EngineUnderTest engine;
    final State expected = new State();
    final State actual = new State();
    private final Map<String, String> failures = new LinkedHashMap<>();
    private final Map<String, Integer> counts = new LinkedHashMap<>();
    private int cases;

    Differential(HostCpu host) {
        this.host = host;
        this.engine = new EngineUnderTest(host);
    }

    /// Runs one case and compares, all but `undefined` flags. Returns whether they agree.
    boolean compare(String subject, State in, byte[] code, long undefined) {
        host.run(in, code, expected);
        return compareAt(HostCpu.CODE, subject, in, code, undefined);
    }

    /// Compares the engine, with the code at another offset, to what the host left in [#expected].
    boolean compareAt(int offset, String subject, State in, byte[] code, long undefined) {
        cases++;
        String differences;
        try {
            engine.runAt(offset, in, code, actual);
            differences = actual.differences(expected, undefined);
            if (actual.cr2 != expected.cr2) differences += "CR2 %x, host %x%n".formatted(actual.cr2, expected.cr2);
            if (actual.faultOffset != expected.faultOffset) differences += "faults at %d, host %d%n".formatted(actual.faultOffset,
                    expected.faultOffset);
        } catch (RuntimeException | AssertionError e) {
            differences = "throws " + e + " at " + e.getStackTrace()[0] + "\n";
        }
        if (differences.isEmpty()) return true;
        counts.merge(subject, 1, Integer::sum);
        if (!failures.containsKey(subject)) failures.put(subject, describe(subject, in, code, differences));
        return false;
    }

    private String describe(String subject, State in, byte[] code, String differences) {
        StringBuilder text = new StringBuilder("%s: %s (case %d, vector %d), flags %x, data at %x, from".formatted(
                subject, HexFormat.ofDelimiter(" ").formatHex(code), cases, expected.vector, in.rflags & State.FLAGS, host.data()));
        for (int i = 0; i < 16; i++) text.append(" r%d=%x".formatted(i, in.gpr[i]));
        return text.append('\n').append(differences.indent(4)).toString();
    }

    /// Empty if all cases agreed.
    String report() {
        StringBuilder text = new StringBuilder();
        failures.values().stream().limit(REPORTED).forEach(text::append);
        if (!counts.isEmpty()) text.append("of %d cases: %s%n".formatted(cases, counts));
        return text.toString();
    }

    @Override
    public void close() {
        engine.close();
        host.close();
    }
}
