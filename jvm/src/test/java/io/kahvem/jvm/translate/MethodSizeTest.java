package io.kahvem.jvm.translate;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.decode.Row;
import io.kahvem.jvm.semantics.RandomProgram;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// No method that is emitted has 8,000 bytes of code, which HotSpot would never compile, whatever the guest's code.
class MethodSizeTest {
    private static final Plan.Bounds EVERYTHING = new Plan.Bounds(Translator.MOST_INSTRUCTIONS, Translator.MOST_PAGES, at -> true,
            at -> false, at -> true, page -> new int[0], at -> 0);

    private static final int LIMIT = 8_000;
    private static final int TWO_PAGES = 8192;
    private static final int PROGRAMS = Integer.getInteger("kahvem.test.sizes", 40);

    private final Decoder decoder = new Decoder(Opcodes.map());
    private final Decoded decoded = new Decoded();
    private final byte[] window = new byte[Decoder.MAX_LENGTH];
    private final Set<Form> seen = new HashSet<>();
    private int regions;
    private int largest;

    private record Form(Row row, boolean memory, boolean lock) {}

    private void check(String what, byte[] code, int head) {
        byte[] pages = Arrays.copyOf(code, TWO_PAGES);
        Translator.Emitted emitted = Translator.emit(Surroundings.of(pages), head, decoder, EVERYTHING, new Style(true, true, false, true));
        if (emitted == null) {
            System.arraycopy(pages, head, window, 0, Math.min(window.length, pages.length - head));
            assertTrue(!decoder.decode(window, window.length, Mode.CODE64 | Mode.FLAT, decoded), () -> what + ": nothing is emitted");
            return;
        }
        regions++;
        for (MethodModel method : ClassFile.of().parse(emitted.classFile()).methods()) {
            int bytes = ((CodeAttribute) method.code().orElseThrow()).codeLength();
            largest = Math.max(largest, bytes);
            assertTrue(bytes < LIMIT, () -> "%s: %s has %d bytes".formatted(what, method.methodName(), bytes));
        }
    }

    @Test
    void ofRandomPrograms() {
        for (int seed = 1; seed <= PROGRAMS; seed++) {
            RandomProgram program = new RandomProgram(0x2000_0000L, seed);
            byte[] code = Arrays.copyOf(program.code, TWO_PAGES);
            for (int section : program.sections) {
                if (section < 4096) check("program %d, section at %#x".formatted(seed, section), code, section);
            }
        }
        assertTrue(regions > PROGRAMS, () -> "only %d regions".formatted(regions));
    }

    @Test
    void ofBytesAtRandom() {
        Random random = new Random(1);
        for (int n = 0; n < 100 * PROGRAMS; n++) {
            byte[] code = new byte[TWO_PAGES];
            random.nextBytes(code);
            check("bytes " + n, code, random.nextInt(4096));
        }
        assertTrue(regions > 50 * PROGRAMS, () -> "only %d regions".formatted(regions));
    }

    /// The same instruction all over both pages, for every row of the opcode maps: with a memory operand whose address has all parts, also
    /// locked, and with registers.
    @Test
    void ofOneInstructionAllOver() {
        for (String prefix : new String[] {"", "66", "f3", "f2"}) {
            for (String map : new String[] {"", "0f", "0f38", "0f3a"}) {
                for (int opcode = 0; opcode < 256; opcode++) {
                    String bytes = prefix + "64 4f" + map + "%02x".formatted(opcode);
                    all(bytes + "84d9 78563412 55667788"); // fs:[r9 + 8 * r11 + disp32]
                    all("f0" + bytes + "84d9 78563412 55667788");
                    all(prefix + "4f" + map + "%02x c1 55667788".formatted(opcode));
                }
            }
        }
        for (int map = 1; map < 4; map++) {
            for (int p = 0; p < 8; p++) {
                for (int opcode = 0; opcode < 256; opcode++) {
                    String bytes = "c4 %02x %02x %02x".formatted(map, (p & 4) << 5 | 0x1c | p & 3, opcode);
                    all("64" + bytes + "84d9 78563412 55667788");
                    all(bytes + "c1 55667788");
                }
            }
        }
        assertTrue(regions > 1000, () -> "only %d regions".formatted(regions));
    }

    private void all(String bytes) {
        byte[] instruction = new Assembler(0).hex(bytes).assembled();
        byte[] padded = Arrays.copyOf(instruction, Decoder.MAX_LENGTH);
        if (!decoder.decode(padded, padded.length, Mode.CODE64 | Mode.FLAT, decoded)) return;
        int length = decoded.length;
        if (length > instruction.length || !seen.add(new Form(decoded.row, decoded.memory, decoded.lock))) return;
        byte[] code = new byte[TWO_PAGES];
        for (int at = 0; at + length <= code.length; at += length) System.arraycopy(instruction, 0, code, at, length);
        check(bytes, code, 0);
    }

    /// Conditional jumps everywhere, each to another place, so that every instruction is a block and an entry of its own.
    @Test
    void ofJumpsFromEverywhereToEverywhere() {
        Random random = new Random(2);
        for (String between : new String[] {"", "4801c8", "f0480107", "c4c1 7cd0c1", "f30f5806", "9c"}) {
            for (int count = 10; count < 400; count += 30) {
                int step = between.replace(" ", "").length() / 2 + 6;
                Assembler code = new Assembler(0);
                for (int n = 0; n < count; n++) {
                    code.hex(between).hex("0f%02x".formatted(0x80 | random.nextInt(16)));
                    code.word(4, (long) step * (random.nextInt(count) - n - 1));
                }
                check("%d jumps with '%s' between".formatted(count, between), code.hex("c3").assembled(), 0);
            }
        }
    }
}
