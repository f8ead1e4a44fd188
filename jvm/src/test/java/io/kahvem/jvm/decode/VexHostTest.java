package io.kahvem.jvm.decode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.decode.OpcodeMap.Entry;
import io.kahvem.jvm.decode.OpcodeMap.Group;
import io.kahvem.jvm.decode.OpcodeMap.Leaf;
import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.HostFeatures;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.semantics.sse.FloatSamples;
import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Every VEX-encoded instruction there is in the opcode maps, for every VEX.W and VEX.L, on registers and memory: the engine leaves what
/// the host's processor leaves. And what is no instruction is none on both.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VexHostTest {
    private static final long SEED = 20_130_604;

    private static final int CASES = 60;
    private static final long OPEN_FLAGS_OF_BMI = 0x94; // PF, AF, SF
    private static final int[] BOUNDARIES = {0, 1, 7, 15, 16, 31, 32, 63, 64, 127, 128, 255};

    private final OpcodeMap map = Opcodes.map();
    private final Decoder decoder = new Decoder(map);
    private final Decoded decoded = new Decoded();
    private @Nullable HostCpu child;
    private @Nullable EngineUnderTest engine;

    /// An encoding: VEX.mmmmm, pp, opcode, W, L.
    private record Encoding(int map, int prefix, int opcode, int w, int l) {
        int pp() {
            return switch (prefix) {
                case OpcodeMap.P66 -> 1;
                case OpcodeMap.PF3 -> 2;
                case OpcodeMap.PF2 -> 3;
                default -> 0;
            };
        }

        /// With ModRM and what follows it. `rxb` are the extension bits of reg, index and base.
        byte[] with(int rxb, int vvvv, int... rest) {
            ByteArrayOutputStream code = new ByteArrayOutputStream();
            code.write(0xc4);
            code.write((~rxb & 7) << 5 | map);
            code.write(w << 7 | (~vvvv & 15) << 3 | l << 2 | pp());
            code.write(opcode);
            for (int b : rest) code.write(b);
            return code.toByteArray();
        }
    }

    private interface Case {
        void of(Encoding e, Row row, int reg, boolean memory);
    }

    @BeforeAll
    void open() {
        HostFeatures.assume("avx", "avx2", "fma", "f16c", "bmi1", "bmi2");
        child = HostCpu.openChild().orElseThrow();
        engine = new EngineUnderTest(child);
    }

    @AfterAll
    void close() {
        if (engine != null) engine.close();
        if (child != null) child.close();
    }

    private HostCpu host() {
        return java.util.Objects.requireNonNull(child);
    }

    private EngineUnderTest engine() {
        return java.util.Objects.requireNonNull(engine);
    }

    /// Every row, with ModRM.reg where it is of a group (else -1), in its register and its memory form.
    private void forEach(Case test) {
        for (int n = 0; n < 3 * 4 * 256 * 4; n++) {
            Encoding e = new Encoding(1 + (n >> 12), n >> 10 & 3, n >> 2 & 255, n >> 1 & 1, n & 1);
            Entry entry = map.vexEntry(e.map, e.prefix, e.opcode, e.w != 0, e.l != 0);
            switch (entry) {
                case null -> {}
                case Leaf(Row row) -> {
                    test.of(e, row, -1, false);
                    if (row.needsModRm()) test.of(e, row, -1, true);
                }
                case Group group -> {
                    for (int reg = 0; reg < 8; reg++) {
                        if (group.register[reg] != null) test.of(e, group.register[reg], reg, false);
                        if (group.memory[reg] != null) test.of(e, group.memory[reg], reg, true);
                    }
                }
            }
        }
    }

    @Test
    void doWhatTheProcessorDoes() {
        Map<String, String> wrong = new TreeMap<>();
        Random random = new Random(SEED);
        forEach((e, row, group, memory) -> {
            if (row.vsib || !memory && row.memoryOnly) return;
            String name = row.op.name();
            if (name.startsWith("rcp") || name.startsWith("rsqrt")) return; // approximations
            for (int n = 0; n < (memory ? CASES / 2 : CASES); n++) {
                State in = state(random);
                byte[] code = encode(e, row, group, memory, in, random);
                compare(name, code, in, wrong);
            }
        });
        assertEquals("", report(wrong));
    }

    /// Indices within the data, some beyond its end, in unmapped memory: then the gather stops there, with what it has done so far.
    @Test
    void gathersDoWhatTheProcessorDoes() {
        Map<String, String> wrong = new TreeMap<>();
        Random random = new Random(SEED);
        forEach((e, row, group, memory) -> {
            if (!row.vsib || !memory) return;
            for (int n = 0; n < 4 * CASES; n++) {
                State in = state(random);
                boolean qword = row.op.name().startsWith("gatherQword");
                for (int x = 0; x < 16; x++) {
                    for (int h = 0; h < 4; h++) {
                        long index = random.nextInt(n % 4 == 0 ? 200 : 100) - 40;
                        long low = random.nextInt(100) - 40;
                        long value = qword ? index : index << 32 | low & 0xffff_ffffL;
                        if (x % 3 == 0) value = random.nextLong(); // masks
                        setHalf(in, x, h, value);
                    }
                }
                int mask = 3 * random.nextInt(6);
                int index = 1 + 3 * random.nextInt(5);
                int reg = random.nextInt(8) == 0 ? random.nextBoolean() ? mask : index : 2 + 3 * random.nextInt(5);
                in.gpr[7] = host().data() + 500;
                int rxb = (reg >> 3) << 2 | (index >> 3) << 1;
                byte[] code = e.with(rxb, mask, 0x44 | (reg & 7) << 3, random.nextInt(4) << 6 | (index & 7) << 3 | 7, random.nextInt(64));
                compare(row.op.name(), code, in, wrong);
            }
        });
        assertEquals("", report(wrong));
    }

    /// The addend is near the negated product, so that what is left is the product's lowest bits, or the product is tiny.
    @Test
    void fusedOperationsRoundOnce() {
        Map<String, String> wrong = new TreeMap<>();
        Random random = new Random(SEED);
        forEach((e, row, group, memory) -> {
            if (!row.op.kind().name().startsWith("VEX_FUSED") || memory) return;
            for (int n = 0; n < 8 * CASES; n++) {
                State in = state(random);
                int[] registers = {1, 2, 3};
                int addend = random.nextInt(3);
                for (int h = 0; h < 4; h++) {
                    long x = FloatSamples.lane(random, e.w != 0);
                    long y = FloatSamples.lane(random, e.w != 0);
                    long z = e.w != 0 ? near(x, y, random) : near32(x, y, random) & 0xffff_ffffL | near32(x >>> 32, y >>> 32, random) << 32;
                    if (random.nextInt(3) == 0) z = FloatSamples.lane(random, e.w != 0);
                    setHalf(in, registers[addend], h, z);
                    setHalf(in, registers[(addend + 1) % 3], h, x);
                    setHalf(in, registers[(addend + 2) % 3], h, y);
                }
                compare(row.op.name(), e.with(0, 2, 0xcb), in, wrong);
            }
        });
        assertEquals("", report(wrong));
    }

    private static long near(long x, long y, Random random) {
        return Double.doubleToRawLongBits(Double.longBitsToDouble(x) * Double.longBitsToDouble(y)) + random.nextInt(3) - 1
                ^ random.nextLong() & Long.MIN_VALUE;
    }

    private static long near32(long x, long y, Random random) {
        return Float.floatToRawIntBits(Float.intBitsToFloat((int) x) * Float.intBitsToFloat((int) y)) + random.nextInt(3) - 1
                ^ random.nextInt() & Integer.MIN_VALUE;
    }

    /// Masked moves around the end of mapped memory: elements that are masked off do not fault.
    @Test
    void maskedMovesFaultOnlyForWhatTheyAccess() {
        Map<String, String> wrong = new TreeMap<>();
        Random random = new Random(SEED);
        forEach((e, row, group, memory) -> {
            if (!row.op.name().startsWith("masked") || !memory) return;
            for (int n = 0; n < 3 * CASES; n++) {
                State in = state(random);
                in.gpr[7] = host().base() + HostCpu.GUARD - random.nextInt(40);
                compare(row.op.name(), e.with(0, 2, 0x0f), in, wrong);
            }
        });
        assertEquals("", report(wrong));
    }

    @Test
    void memoryOperandsAtTheEndOfMappedMemoryFaultAlike() {
        Map<String, String> wrong = new TreeMap<>();
        Random random = new Random(SEED);
        forEach((e, row, group, memory) -> {
            if (!memory || row.vsib || row.op.name().startsWith("masked")) return;
            for (int before : new int[] {0, 1, 2, 4, 8, 12, 16, 24, 31, 32}) {
                State in = state(random);
                in.mxcsr(0x1f80);
                in.gpr[7] = host().base() + HostCpu.GUARD - before;
                for (int at = State.DATA_BYTES - 64; at < State.DATA_BYTES; at += 8) in.data(at, 0x1f80_0000_1f80L);
                int vvvv = row.takesVvvv(true) ? 1 : 0;
                byte[] code = e.with(0, vvvv, (group < 0 ? 2 : group) << 3 | 7, 0x30);
                if (!hasImmediate(row)) code = java.util.Arrays.copyOf(code, code.length - 1);
                if (row.op.name().startsWith("rcp") || row.op.name().startsWith("rsqrt")) continue;
                compare(row.op.name(), code, in, wrong);
            }
        });
        assertEquals("", report(wrong));
    }

    /// All opcodes of the three maps with every prefix, W, L, used and unused VEX.vvvv, registers and memory. Features the engine has not
    /// are left out.
    @Test
    void whatIsNoInstructionIsNoneOnBoth() {
        Map<String, String> wrong = new TreeMap<>();
        State in = new State();
        in.gpr[7] = host().data();
        for (int at = 0; at < 64; at += 8) in.data(at, 0x1f80);
        for (int n = 0; n < 3 * 4 * 256 * 4; n++) {
            Encoding e = new Encoding(1 + (n >> 12), n >> 10 & 3, n >> 2 & 255, n >> 1 & 1, n & 1);
            if (beyondTheEngine(e)) continue;
            boolean group = e.opcode >= 0x71 && e.opcode <= 0x73 && e.map == 1 || e.opcode == 0xae || e.opcode == 0xf3;
            for (int reg = 0; reg < (group ? 8 : 1); reg++) {
                for (int form = 0; form < 4; form++) {
                    byte[] code = e.with(0, (form & 1) * 10, ((form & 2) == 0 ? 0xc1 : 0x07) | (group ? reg : 2) << 3, 0x05);
                    decoder.decode(java.util.Arrays.copyOf(code, 15), 15, io.kahvem.jvm.cpu.Mode.CODE64 | io.kahvem.jvm.cpu.Mode.FLAT,
                            decoded);
                    byte[] exact = decoded.row == Decoder.UNDEFINED ? code : java.util.Arrays.copyOf(code, decoded.length);
                    boolean none = engine().run(in, exact).vector == Exceptions.UD;
                    State out = host().run(in, exact);
                    if (none == (out.vector == Exceptions.UD)) continue;
                    String what = HexFormat.of().formatHex(code) + (none ? " is an instruction" : " is none")
                            + " on the host, vector " + out.vector + "\n";
                    wrong.merge("map %d opcode %02x pp %d".formatted(e.map, e.opcode, e.pp()), what, (a, b) -> a);
                }
            }
        }
        assertEquals("", report(wrong));
    }

    /// AVX-512's mask registers, AES, carry-less multiplication, GFNI, SHA, SM3, SM4, AMX, the later AVX-VNNI, AVX-IFMA, AVX-NE-CONVERT and
    /// CMPccXADD; and VPERMQ and VPERMPD with W = 0, which the manual does not have and some processors take.
    private static boolean beyondTheEngine(Encoding e) {
        int o = e.opcode;
        return switch (e.map) {
            case 1 -> o >= 0x41 && o <= 0x4b || o >= 0x90 && o <= 0x93 || o == 0x98 || o == 0x99;
            case 2 -> o >= 0xcb && o <= 0xcf || o >= 0xd2 && o <= 0xd3 || o >= 0xda && o <= 0xef || o >= 0x49 && o <= 0x5e && o != 0x58
                    && o != 0x59 && o != 0x5a || o == 0x6c || o == 0x72 || o >= 0xb0 && o <= 0xb5;
            case 3 -> o <= 1 && e.w == 0 || o >= 0x30 && o <= 0x33 || o == 0x44 || o >= 0xce && o <= 0xdf;
            default -> throw new AssertionError(e);
        };
    }

    private static final Set<String> BMI = Set.of("andn", "bextr", "bzhi", "blsr", "blsmsk", "blsi");

    private void compare(String name, byte[] code, State in, Map<String, String> wrong) {
        if (wrong.containsKey(name)) return;
        State expected = host().run(in, code);
        State mine = engine().run(in, code);
        long open = BMI.contains(name) ? OPEN_FLAGS_OF_BMI & (name.equals("bextr") ? -1 : ~0x80) : 0;
        String differences = mine.differences(expected, open);
        if (differences.isEmpty()) return;
        StringBuilder from = new StringBuilder();
        for (int h = 3; h >= 0; h--) from.append(" %016x".formatted(in.data(16 + 8 * h)));
        for (int x = 0; x < 16; x++) {
            from.append("\n      ymm%d".formatted(x));
            for (int h = 3; h >= 0; h--) from.append(" %016x".formatted(h < 2 ? in.xmm(x, h) : in.ymmUpper[2 * x + h - 2]));
        }
        wrong.put(name, "%s %s, mxcsr %x, rflags %x, data+16%s%n%s".formatted(
                name, HexFormat.of().formatHex(code), in.mxcsr(), in.rflags, from, differences.indent(4)));
    }

    private static String report(Map<String, String> wrong) {
        StringBuilder text = new StringBuilder();
        wrong.values().stream().limit(20).forEach(text::append);
        if (!wrong.isEmpty()) text.append(wrong.keySet());
        return text.toString();
    }

    private byte[] encode(Encoding e, Row row, int group, boolean memory, State in, Random random) {
        int reg = group >= 0 ? group : random.nextInt(16);
        int vvvv = row.takesVvvv(memory) ? random.nextInt(16) : 0;
        int immediate = random.nextBoolean() ? BOUNDARIES[random.nextInt(BOUNDARIES.length)] : random.nextInt(256);
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        int rm = random.nextInt(4) == 0 ? reg & 15 : random.nextInt(16);
        if (random.nextInt(4) == 0 && vvvv != 0) vvvv = rm;
        int rxb = group >= 0 ? 0 : (reg >> 3) << 2;
        if (!row.needsModRm()) return e.with(0, 0);
        if (memory) {
            boolean aligned = random.nextInt(4) != 0;
            int base = random.nextBoolean() ? 7 : 15;
            in.gpr[base] = host().data() + (aligned ? 0 : random.nextInt(40));
            rest.write(0x40 | (reg & 7) << 3 | base & 7);
            rest.write(32);
            rxb |= base >> 3;
        } else {
            rest.write(0xc0 | (reg & 7) << 3 | rm & 7);
            rxb |= rm >> 3;
        }
        if (hasImmediate(row)) rest.write(immediate);
        byte[] bytes = rest.toByteArray();
        int[] tail = new int[bytes.length];
        for (int i = 0; i < tail.length; i++) tail[i] = bytes[i] & 0xff;
        return e.with(rxb, vvvv, tail);
    }

    private static boolean hasImmediate(Row row) {
        for (Operand o : row.operands) {
            if (o == Operand.Ib) return true;
        }
        return false;
    }

    private static void setHalf(State s, int x, int half, long value) {
        if (half >= 2) {
            s.ymmUpper[2 * x + half - 2] = value;
        } else {
            s.xmm(x, half == 0 ? value : s.xmm(x, 0), half == 0 ? s.xmm(x, 1) : value);
        }
    }

    /// Registers and data of integers, singles or doubles; MXCSR in any rounding mode, sometimes flushing, sometimes with flags set.
    private State state(Random random) {
        State s = new State();
        int flavour = random.nextInt(3);
        int rounding = random.nextInt(2) * random.nextInt(4) << 13;
        int flushing = random.nextInt(3) == 0 ? random.nextInt() & 0x8040 : 0;
        s.mxcsr(0x1f80 | rounding | flushing | (random.nextInt(3) == 0 ? random.nextInt(64) : 0));
        if (random.nextInt(10) == 0) s.mxcsr(s.mxcsr() & ~(random.nextInt() & 0x1f80));
        for (int n = 0; n < 16; n++) {
            for (int h = 0; h < 4; h++) setHalf(s, n, h, lane(random, flavour));
            if (n != 4) s.gpr[n] = lane(random, 0);
        }
        s.gpr[7] = host().data();
        s.rflags = random.nextLong() & 0x8d5;
        for (int at = 0; at < 192; at += 8) s.data(at, lane(random, flavour));
        return s;
    }

    private static long lane(Random random, int flavour) {
        if (flavour != 0) return FloatSamples.lane(random, flavour == 1);
        return switch (random.nextInt(5)) {
            case 0 -> BOUNDARIES[random.nextInt(BOUNDARIES.length)];
            case 1 -> -1L << random.nextInt(64);
            case 2 -> random.nextInt(80) | (long) random.nextInt(80) << 32;
            case 3 -> 0x8000_7fff_8000_7fffL ^ random.nextLong() & 0x0101_0001_0100_0001L;
            default -> random.nextLong();
        };
    }
}
