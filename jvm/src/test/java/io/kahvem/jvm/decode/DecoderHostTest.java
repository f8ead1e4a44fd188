package io.kahvem.jvm.decode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.util.HexFormat;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Lengths, and what is no instruction: the decoder against the host's processor.
class DecoderHostTest {
    private static final long SEED = 20_120_229;
    private static final int CASES = 20_000;
    private static final int[] PREFIXES = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x3e, 0x64, 0x48, 0x41, 0x4f, 0x40};

    /// PUSHFQ; OR DWORD [RSP], TF; POPFQ: a debug exception follows the next instruction, and its address tells the length.
    private static final byte[] SINGLE_STEP = HexFormat.of().parseHex("9c810c24000100009d");

    /// Their debug exception comes after each iteration, or their next stack access is not where the test's is.
    private static final Set<String> UNSUITABLE = Set.of("movs", "cmps", "stos", "lods", "scas");

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux: its processor cannot say what is right");
    }

    @Test
    void lengthsAndLockRulesAreTheProcessors() {
        OpcodeMap map = new OpcodeMap();
        IntegerRows.define(map);
        Decoder decoder = new Decoder(map);
        Decoded decoded = new Decoded();
        TreeMap<String, String> wrong = new TreeMap<>();
        int compared = 0;
        try (HostCpu host = HostCpu.openChild().orElseThrow()) {
            State in = new State();
            for (int i = 0; i < 16; i++) in.gpr[i] = i == 4 ? 0 : host.data() + 512;
            State out = new State();
            Random random = new Random(SEED);
            byte[] code = new byte[SINGLE_STEP.length + Decoder.MAX_LENGTH];
            System.arraycopy(SINGLE_STEP, 0, code, 0, SINGLE_STEP.length);
            for (int n = 0; n < CASES; n++) {
                byte[] bytes = randomInstruction(random);
                decoder.decode(bytes, bytes.length, Mode.CODE64 | Mode.FLAT, decoded);
                boolean locked = decoded.row == Decoder.UNDEFINED && lockedOnly(decoder, bytes);
                if (decoded.row == Decoder.UNDEFINED && !locked || decoded.row.op.endsBlock()
                        || UNSUITABLE.contains(decoded.row.op.name())) continue;
                System.arraycopy(bytes, 0, code, SINGLE_STEP.length, bytes.length);
                host.run(in, code, out);
                boolean undefined = out.vector == Exceptions.UD;
                String name = decoded.row.op.name();
                String hex = HexFormat.ofDelimiter(" ").formatHex(bytes);
                if (locked != undefined) {
                    wrong.putIfAbsent(name + " #UD", hex + (undefined ? " is no instruction" : " is an instruction"));
                } else if (out.vector == Exceptions.DB && out.faultOffset - SINGLE_STEP.length != decoded.length) {
                    wrong.putIfAbsent(name, "%s: %d bytes, host %d".formatted(hex, decoded.length, out.faultOffset - SINGLE_STEP.length));
                }
                if (undefined || out.vector == Exceptions.DB) compared++;
            }
        }
        assertEquals("{}", wrong.toString());
        assertEquals(true, compared > CASES / 4, "enough cases ran to their end: " + compared);
    }

    /// Whether the bytes are an instruction but for their LOCK prefix.
    private static boolean lockedOnly(Decoder decoder, byte[] bytes) {
        Decoded without = new Decoded();
        byte[] copy = bytes.clone();
        boolean found = false;
        for (int i = 0; i < 4; i++) {
            if (copy[i] == (byte) 0xf0) {
                copy[i] = 0x3e;
                found = true;
            } else if (!isPrefix(copy[i] & 0xff)) {
                break;
            }
        }
        decoder.decode(copy, copy.length, Mode.CODE64 | Mode.FLAT, without);
        return found && without.row != Decoder.UNDEFINED;
    }

    private static boolean isPrefix(int b) {
        for (int p : PREFIXES) {
            if (p == b) return true;
        }
        return b >> 4 == 4;
    }

    private static byte[] randomInstruction(Random random) {
        byte[] bytes = new byte[Decoder.MAX_LENGTH];
        int at = 0;
        for (int n = random.nextInt(4); n > 0; n--) bytes[at++] = (byte) PREFIXES[random.nextInt(PREFIXES.length)];
        if (random.nextInt(3) == 0) bytes[at++] = 0x0f;
        bytes[at++] = (byte) random.nextInt(256);
        bytes[at++] = (byte) random.nextInt(256);
        bytes[at++] = (byte) (random.nextInt(4) == 0 ? random.nextInt(256) : 0x24);
        while (at < bytes.length) bytes[at++] = (byte) random.nextInt(4);
        return bytes;
    }

    @Test
    void whatIsNoInstructionIsUndefined() {
        String[] invalid = {
            "06", "07", "0e", "16", "17", "1e", "1f", "27", "2f", "37", "3f", "60", "61", "82c001", "9a00000000", "ce", "d400", "d500",
                    "d6", "ea00000000",
            "0f04", "0f0a", "0f0c", "0f0b", "0fb900", "0fff00", "0f24c0", "0f26c0", "0f3b00", "0f3900", "fed0", "fef8", "fff8", "ff38",
                    "c6c801", "c7c8",
            "0fba00", "0fbac001", "0fbad801", "0fc7c8", "0fc708f0", "8dc0", "0fc3c0", "660fc300", "f00fc300", "f090", "f089c0", "f00300",
            "f00fa300", "f00fba2000", "f03900", "f08500", "f0f7e0", "f0ff30", "f00fb6c0", "f0e800000000", "f07400", "f0c3", "f00fc8"
        };
        check(invalid);
    }

    /// Without SYSEXIT, which AMD's processors do not know in long mode.
    @Test
    void privilegedInstructionsFaultInUserMode() {
        check("f4", "fa", "fb", "e400", "e600", "ec", "ed", "ee", "ef", "6c", "6e", "f36c", "0f06", "0f08", "0f09", "0f20c0", "0f22c0",
                "0f21c0", "0f23c0", "0f30", "0f32",
                "0f0110", "0f0118", "0f0138", "0f00d0", "0f00d8", "0f01f0", "0f01f8", "0f07");
    }

    @Test
    void moreThanFifteenBytesAreAGeneralProtectionFault() {
        check("6666666666666666666666666666" + "90", "666666666666666666666666666666" + "90", "2e2e2e2e2e2e2e2e" + "48b81122334455667788",
                "2e2e2e2e2e" + "48b81122334455667788",
                "3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e90");
    }

    private static void check(String... codes) {
        StringBuilder wrong = new StringBuilder();
        try (HostCpu host = HostCpu.openChild().orElseThrow();
                EngineUnderTest engine = new EngineUnderTest(host)) {
            State in = new State();
            for (int i = 0; i < 16; i++) in.gpr[i] = i == 4 ? 0 : host.data() + 512;
            for (String hex : codes) {
                byte[] code = HexFormat.of().parseHex(hex);
                State expected = host.run(in, code);
                State actual = engine.run(in, code);
                String differences = actual.differences(expected, 0);
                if (actual.faultOffset != expected.faultOffset) differences += "faults at %d, host %d".formatted(actual.faultOffset,
                        expected.faultOffset);
                if (!differences.isEmpty()) wrong.append(hex).append(": ").append(differences).append('\n');
            }
        }
        assertEquals("", wrong.toString());
    }
}
