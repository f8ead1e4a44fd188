package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.IntegerTemplate.AF;
import static io.kahvem.jvm.semantics.IntegerTemplate.CF;
import static io.kahvem.jvm.semantics.IntegerTemplate.OF;
import static io.kahvem.jvm.semantics.IntegerTemplate.PF;
import static io.kahvem.jvm.semantics.IntegerTemplate.SF;
import static io.kahvem.jvm.semantics.IntegerTemplate.ZF;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// 32-bit code: what its decoding and stack do otherwise, and the instructions 64-bit code lost. The host runs it in its compatibility
/// mode.
class Code32Test {
    private static final long SEED = 19_851_017;
    private static final int ALL = CF | PF | AF | ZF | SF | OF;

    /// Where the far pointer and the data selector are in the data.
    private static final int POINTER = State.DATA_BYTES - 16;

    private static HostCpu host;
    private static EngineUnderTest engine;
    private static final Map<String, String> FAILURES = new TreeMap<>();

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux: its processor cannot say what is right");
        host = HostCpu.openChild().orElseThrow();
        engine = new EngineUnderTest(host);
        State probe = new State();
        State out = onHost(probe, new byte[] {0x40}); // INC EAX, were it not 32-bit code a REX prefix
        assumeTrue(out.vector == State.COMPLETED && out.gpr[0] == 1, "the host does not run 32-bit code");
    }

    @AfterAll
    static void close() {
        if (host == null) return;
        engine.close();
        host.close();
    }

    /// MOV DS and ES from memory, JMP FAR to the 32-bit code, which ends in a JMP FAR back.
    private static State onHost(State s, byte[] code) {
        byte[] in = {(byte) 0x8e, 0x1c, 0x25, 0, 0, 0, 0, (byte) 0x8e, 0x04, 0x25, 0, 0, 0, 0, (byte) 0xff, 0x2c, 0x25, 0, 0, 0, 0};
        int data = (int) host.data();
        little(in, 3, data + POINTER + 8, 4);
        little(in, 10, data + POINTER + 8, 4);
        little(in, 17, data + POINTER, 4);
        byte[] out = {(byte) 0xea, 0, 0, 0, 0, 0x33, 0};
        int start = (int) host.code() + in.length;
        little(out, 1, start + code.length + out.length, 4);
        s.data(POINTER, start & 0xffff_ffffL | 0x23L << 32);
        s.data(POINTER + 8, 0x2b);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(in);
        all.writeBytes(code);
        all.writeBytes(out);
        State result = host.run(s, all.toByteArray());
        if (result.vector >= 0) result.faultOffset -= in.length;
        for (int i = 0; i < 16; i++) result.gpr[i] &= 0xffff_ffffL;
        return result;
    }

    private static final int PROLOGUE = 21;

    private static void compare(String subject, State s, byte[] code, long undefined) {
        State expected = onHost(s, code);
        State actual = new State();
        engine.run32At(HostCpu.CODE + PROLOGUE, s, code, actual);
        for (int i = 0; i < 16; i++) actual.gpr[i] &= 0xffff_ffffL;
        String differences = actual.differences(expected, undefined);
        if (actual.cr2 != expected.cr2) differences += "CR2 %x, host %x%n".formatted(actual.cr2, expected.cr2);
        if (actual.faultOffset != expected.faultOffset) differences += "faults at %d, host %d%n".formatted(actual.faultOffset,
                expected.faultOffset);
        if (differences.isEmpty()) return;
        StringBuilder text = new StringBuilder("%s: %s flags %x".formatted(
                subject, HexFormat.ofDelimiter(" ").formatHex(code), s.rflags & State.FLAGS));
        for (int i = 0; i < 8; i++) text.append(" r%d=%x".formatted(i, s.gpr[i]));
        FAILURES.putIfAbsent(subject, text + "\n" + differences.indent(4));
    }

    private static State state(InstructionGenerator g) {
        State s = g.randomState();
        for (int i = 0; i < 8; i++) s.gpr[i] &= 0xffff_ffffL;
        for (int i = 8; i < 16; i++) s.gpr[i] = 0;
        s.gpr[4] = host.data() + 400 + g.random.nextInt(100);
        return s;
    }

    private static void report() {
        String text = String.join("", FAILURES.values());
        FAILURES.clear();
        assertEquals("", text);
    }

    @Test
    void decimalAdjustments() {
        InstructionGenerator g = new InstructionGenerator(host, new Random(SEED));
        for (int n = 0; n < 600; n++) {
            for (int opcode : new int[] {0x27, 0x2f}) compare("%02x".formatted(opcode), state(g), hex("%02x".formatted(opcode)), OF);
            for (int opcode : new int[] {0x37, 0x3f}) compare("%02x".formatted(opcode), state(g), hex("%02x".formatted(opcode)),
                    OF | SF | ZF | PF);
            int base = g.random.nextInt(3) == 0 ? g.random.nextInt(256) : 10;
            compare("aam", state(g), hex("d4%02x".formatted(base)), base == 0 ? ALL : OF | AF | CF);
            compare("aad", state(g), hex("d5%02x".formatted(base)), OF | AF | CF);
        }
        report();
    }

    @Test
    void everyByteRegisterArithmeticAndStep() {
        InstructionGenerator g = new InstructionGenerator(host, new Random(SEED));
        for (int n = 0; n < 40; n++) {
            for (int r = 0; r < 16; r++) {
                compare("inc, dec", state(g), hex("%02x".formatted(0x40 + r)), 0);
                compare("inc, dec 16", state(g), hex("66%02x".formatted(0x40 + r)), 0);
            }
            for (int op = 0; op < 64; op++) {
                if ((op & 7) > 3) continue;
                long undefined = op >> 3 == 1 || op >> 3 == 4 || op >> 3 == 6 ? AF : 0;
                int modRm = 0xc0 | g.random.nextInt(64);
                compare("alu %02x".formatted(op), state(g), hex("%02x%02x".formatted(op, modRm)), undefined);
                compare("alu 66 %02x".formatted(op), state(g), hex("66%02x%02x".formatted(op, modRm)), undefined);
                // [disp32] without RIP; [EBP + disp8] by SS
                String reg = "%02x".formatted(modRm & 0x38 | 5);
                compare("alu m %02x".formatted(op), state(g),
                        hex("%02x".formatted(op) + reg + int32(host.data() + g.random.nextInt(900))), undefined);
                State s = state(g);
                s.gpr[5] = host.data() + 128;
                compare("alu m8 %02x".formatted(op), s, hex("%02x%02x%02x".formatted(op, modRm & 0x38 | 0x45,
                        g.random.nextInt(256) - 128 & 0xff)), undefined);
            }
            compare("82", state(g), hex("82%02x%02x".formatted(0xc0 | g.random.nextInt(64) & ~8, g.random.nextInt(256))), AF);
        }
        report();
    }

    @Test
    void addressesOf16And32Bits() {
        InstructionGenerator g = new InstructionGenerator(host, new Random(SEED));
        for (int modRm = 0; modRm < 0xc0; modRm++) {
            for (int n = 0; n < 6; n++) {
                int mod = modRm >> 6;
                String size = n % 2 == 0 ? "66" : "";
                int length = mod == 1 ? 1 : mod == 2 || (modRm & 7) == 6 ? 2 : 0;
                compare("lea 16 %02x".formatted(modRm), state(g), hex(size + "678d%02x".formatted(modRm) + random(g, length)), 0);
                boolean sib = (modRm & 7) == 4;
                int sibByte = g.random.nextInt(256);
                boolean disp32 = mod == 2 || mod == 0 && ((modRm & 7) == 5 || sib && (sibByte & 7) == 5);
                compare("lea 32 %02x".formatted(modRm), state(g),
                        hex(size + "8d%02x".formatted(modRm) + (sib ? "%02x".formatted(sibByte) : "") + random(g, disp32 ? 4 : mod == 1
                                ? 1 : 0)), 0);
            }
        }
        for (int n = 0; n < 20; n++) {
            String where = int32(host.data() + g.random.nextInt(900));
            for (int op = 0xa0; op < 0xa4; op++) compare("moffs", state(g), hex("%02x".formatted(op) + where), 0);
        }
        report();
    }

    @Test
    void stackOf32And16BitPushes() {
        InstructionGenerator g = new InstructionGenerator(host, new Random(SEED));
        for (int n = 0; n < 60; n++) {
            for (int r = 0; r < 8; r++) {
                String size = g.random.nextBoolean() ? "66" : "";
                compare("push", state(g), hex(size + "%02x".formatted(0x50 + r)), 0);
                compare("pop", state(g), hex(size + "%02x".formatted(0x58 + r)), 0);
                compare("push r, pop [esp]", state(g), hex(size + "%02x".formatted(0x50 + r) + size + "8f442408" + "ff7424f0"), 0);
            }
            String size = g.random.nextBoolean() ? "66" : "";
            compare("pusha", state(g), hex(size + "60"), 0);
            compare("popa", state(g), hex(size + "61"), 0);
            compare("push imm", state(g), hex(size + "68" + random(g, size.isEmpty() ? 4 : 2) + size + "6a" + random(g, 1)), 0);
            State s = state(g);
            s.gpr[5] = host.data() + 600;
            compare("leave", s, hex(size + "c9"), 0);
            compare("enter", s, hex(size + "c8%02x00%02x".formatted(g.random.nextInt(64), g.random.nextInt(4) == 0 ? g.random.nextInt(32)
                    : g.random.nextInt(3))), 0);
            compare("pushf, popf", state(g), hex("25d50c0000" + "509d9c58" + "25d50c0000"), 0);
            compare("pushes beyond the page", beyond(s), hex(size + (n % 2 == 0 ? "60" : "50")), 0);
        }
        report();
    }

    private static State beyond(State s) {
        State beyond = s.copy();
        beyond.gpr[4] = host.base() + HostCpu.STACK + 6;
        return beyond;
    }

    @Test
    void transfersOf32Bits() {
        InstructionGenerator g = new InstructionGenerator(host, new Random(SEED));
        for (int n = 0; n < 40; n++) {
            State s = state(g);
            compare("call", s, hex("e803000000" + "40eb02" + "41c3"), 0); // CALL L; INC EAX; JMP end; L: INC ECX; RET
            compare("ret n", s, hex("e803000000" + "40eb04" + "41c20c00"), 0);
            s.gpr[1] = g.random.nextInt(100) + 1;
            compare("loop", s, hex("40e2fd"), 0);
            s.gpr[1] |= (long) g.random.nextInt(1 << 16) << 16;
            compare("loop by CX", s, hex("4067e2fc"), 0);
            s.gpr[1] = g.random.nextBoolean() ? 0x10000 : 0;
            compare("jcxz", s, hex("67e30140"), 0);
            compare("jecxz", s, hex("e30140"), 0);
            s.data(8, host.code() + PROLOGUE + 9 & 0xffff_ffffL);
            compare("call m", s, hex("ff15" + int32(host.data() + 8) + "40eb02" + "41c3"), 0);
            s.gpr[6] = host.data() + 300 + g.random.nextInt(100);
            s.gpr[7] = host.data() + 200 + g.random.nextInt(300);
            s.gpr[1] = g.random.nextInt(64);
            for (String op : new String[] {"f3a4", "f3a5", "f366a5", "f3ab", "f2ae", "f3a6", "ad", "66af"}) compare("string " + op, s,
                    hex(op), 0);
        }
        report();
    }

    @Test
    void whatIsNoInstructionIsUndefined() {
        for (String code : new String[] {"0f0b", "8dc0", "f040", "f00f1f00", "f090"}) {
            State s = new State();
            s.gpr[4] = host.data() + 400;
            compare(code, s, hex(code), 0);
        }
        report();
    }

    private static String random(InstructionGenerator g, int bytes) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < bytes; i++) text.append("%02x".formatted(g.random.nextInt(256)));
        return text.toString();
    }

    private static String int32(long value) {
        return "%08x".formatted(Integer.reverseBytes((int) value));
    }

    private static void little(byte[] to, int at, long value, int bytes) {
        for (int i = 0; i < bytes; i++) to[at + i] = (byte) (value >> 8 * i);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
