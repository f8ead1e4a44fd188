package io.kahvem.jvm.hostcpu;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.decode.Row;
import io.kahvem.jvm.translate.Translator;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/// The Java engine behind the host processor's interface.
///
/// The interpreter gives the result. Of each kind of instruction the first few cases, and all sequences up to a number, are executed by
/// translated code as well, and it is an error if that leaves anything else. So are chains of these cases with branches between them. An
/// engine that was to translate and hardly executed regions is an error when it is closed.
public final class EngineUnderTest implements HostCpu {
    private static final int CODE64 = 0xa0fb;
    private static final int CODE32 = 0xc0fb;
    private static final int MAX_BLOCKS = 200_000;

    /// A chain may run into a loop that its data do not end.
    private static final int MAX_BLOCKS_OF_CHAIN = 2_000;

    /// Cases to translate of one kind of instruction, and of sequences.
    private static final int CASES = 2;

    private static final int SEQUENCES = 1_500;

    /// The same of code that changes itself: it is translated anew each time.
    private static final int CHANGING = 100;

    private static final int CHAINED = 6;

    /// Completed cases among which some must have been executed by regions: a few may all be of a kind that is left to the interpreter.
    private static final int MANY = 30;

    /// Everything before it is executed; never larger regions, which leave to the interpreter what is rare elsewhere, as exceptions are.
    private static final Translator.Policy TRANSLATED = new Translator.Policy(1, 0, 0, false);

    /// What makes the translator do the same.
    private record Kind(Row row, boolean memory, int size, boolean vl256) {}

    private record Link(State in, byte[] code) {}

    private final long base;
    private final UserCpu interpreter;
    private final UserCpu translated;
    private final Decoder decoder;
    private final Decoded decoded = new Decoded();
    private final State again = new State();
    private final Map<Kind, Integer> cases = new HashMap<>();
    private final List<Link> chain = new ArrayList<>();
    private byte[] chosen = {};
    private int sequences;
    private int changing;

    /// Translated cases that raised no exception.
    private int completed;

    /// An engine whose memory is where `host` has it.
    public EngineUnderTest(HostCpu host) {
        this(host.base(), Opcodes.map());
    }

    public EngineUnderTest(long base, OpcodeMap map) {
        this.base = base;
        this.interpreter = new UserCpu(base, map, Translator.Policy.OFF);
        this.translated = new UserCpu(base, map, TRANSLATED);
        this.decoder = new Decoder(map);
    }

    /// For tests that start from other control registers; `modeChanged` after changing them.
    public Cpu cpu() {
        return interpreter.c;
    }

    @Override
    public long base() {
        return base;
    }

    @Override
    public void run(State in, byte[] code, State out) {
        runAt(CODE, in, code, out);
    }

    /// Runs with the first byte of `code` at `base() + offset`.
    public void runAt(int offset, State in, byte[] code, State out) {
        boolean translate = isToBeTranslated(code);
        if (translate) translated.stack(interpreter.stack());
        if (!interpreter.runAt(offset, in, code, out, MAX_BLOCKS)) {
            throw new AssertionError("the code did not end within " + MAX_BLOCKS + " blocks");
        }
        boolean changes = interpreter.isCodeChanged();
        if (!translate || changes && ++changing > CHANGING) return;
        compare(offset, in, code, out);
        if (offset == CODE && !changes) chain(in, code);
    }

    /// Runs 32-bit code, flat, with the first byte at `base() + offset`.
    public void run32At(int offset, State in, byte[] code, State out) {
        Cpu c = interpreter.c;
        c.attributes[Cpu.CS] = CODE32;
        c.modeChanged();
        try {
            interpreter.runAt(offset, in, code, out, MAX_BLOCKS);
        } finally {
            c.attributes[Cpu.CS] = CODE64;
            c.modeChanged();
        }
    }

    /// Instructions that regions executed.
    public long translatedInstructions() {
        return translated.translatedInstructions();
    }

    private boolean isToBeTranslated(byte[] code) {
        if (Arrays.equals(code, chosen)) return true; // costs next to nothing, as the region is there
        byte[] window = Arrays.copyOf(code, Decoder.MAX_LENGTH);
        if (!decoder.decode(window, window.length, Mode.CODE64 | Mode.FLAT, decoded)) return false;
        boolean chosenNow = decoded.length >= code.length
                ? cases.merge(new Kind(decoded.row, decoded.memory, decoded.size, decoded.vl256), 1, Integer::sum) <= CASES
                : ++sequences <= SEQUENCES;
        if (chosenNow) chosen = code.clone();
        return chosenNow;
    }

    private void compare(int offset, State in, byte[] code, State expected) {
        translated.controlsOf(interpreter.c);
        String differences = "does not end\n";
        if (translated.runAt(offset, in, code, again, MAX_BLOCKS)) {
            differences = again.differences(expected, 0);
            if (again.cr2 != expected.cr2) differences += "CR2 %x, not %x%n".formatted(again.cr2, expected.cr2);
            if (again.faultOffset != expected.faultOffset) {
                differences += "faults at %d, not %d%n".formatted(again.faultOffset, expected.faultOffset);
            }
        }
        if (differences.isEmpty()) {
            if (expected.vector == State.COMPLETED) completed++;
            return;
        }
        throw new AssertionError("translated code differs from the interpreter (called host here):%n%s%s flags %x from %s".formatted(
                differences, HexFormat.of().formatHex(code), in.rflags, Arrays.toString(in.gpr)));
    }

    /// Runs the last few cases as one program, from the state of each of them. A conditional jump over each next one tells what was left by
    /// the one before.
    private void chain(State in, byte[] code) {
        if (chain.stream().anyMatch(link -> Arrays.equals(link.code, code)) || code.length > 100) return;
        chain.add(new Link(in.copy(), code.clone()));
        if (chain.size() < CHAINED) return;
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        int condition = Arrays.hashCode(code);
        for (Link link : chain) {
            translated.stack(interpreter.stack());
            if (all.size() > 0) {
                all.write(0x70 | condition++ & 15);
                all.write(link.code.length);
            }
            all.writeBytes(link.code);
        }
        byte[] bytes = all.toByteArray();
        State expected = new State();
        byte[] stack = interpreter.stack();
        for (Link link : chain) {
            translated.stack(interpreter.stack());
            if (interpreter.runAt(CODE, link.in, bytes, expected, MAX_BLOCKS_OF_CHAIN)) compare(CODE, link.in, bytes, expected);
            if (interpreter.isCodeChanged()) break;
        }
        interpreter.stack(stack);
        chain.clear();
    }

    @Override
    public void close() {
        interpreter.close();
        translated.close();
        if (completed >= MANY && translatedInstructions() < completed / 2) {
            throw new AssertionError("of %d cases to be translated, regions executed %d instructions".formatted(completed,
                    translatedInstructions()));
        }
    }
}
