package io.kahvem.jvm.semantics.x87;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.apic.LocalApic;
import io.kahvem.host.HostMemory;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.decode.Row;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.Spinner;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Whole x87 instructions on random register stacks, against the host: tags, TOP, stack faults, pops, masked and unmasked responses.
class InstructionComparisonTest {
    private static final int FWAIT = 0x9b;
    private static final int OPERAND = 512;
    private static final int R15 = 15;

    private final SplittableRandom random = new SplittableRandom(7);
    private final Operands operands = new Operands(11);
    private final Decoder decoder = new Decoder(Opcodes.map());
    private final Decoded decoded = new Decoded();
    private final Spinner spinner = new Spinner();

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "skipped: there is no x87 unit to compare with, this host is not Linux on x86-64");
    }

    @Test
    void agreeWithTheHostWhereExceptionsAreMasked() {
        try (HostCpu host = HostCpu.open().orElseThrow()) {
            compare(host, 300_000, true);
        }
    }

    @Test
    void agreeWithTheHostWhereExceptionsAreUnmasked() {
        try (HostCpu host = HostCpu.openChild().orElseThrow()) {
            compare(host, 60_000, false);
        }
    }

    private void compare(HostCpu host, int count, boolean masked) {
        StringBuilder differences = new StringBuilder();
        int failures = 0;
        try (GuestMemory memory = new GuestMemory()) {
            memory.add(host.base(), HostMemory.system().map(HostCpu.REGION_BYTES), false);
            Cpu cpu = cpu(memory);
            State in = new State();
            State expected = new State();
            State actual = new State();
            for (int n = 0; n < count; n++) {
                in.gpr[R15] = host.data() + OPERAND;
                fill(in, masked);
                byte[] code = instruction(in);
                host.run(in, code, expected);
                run(cpu, memory, host, in, code, actual);
                forgetDifferences(code, expected);
                forgetDifferences(code, actual);
                String difference = actual.differences(expected, 0);
                if (!difference.isEmpty() && ++failures <= 12) {
                    differences.append("\n%02x %02x %02x".formatted(code[0], code[1], code[2]));
                    differences.append(image(in)).append('\n').append(difference);
                }
            }
        }
        assertThat(failures).as("%d differences in %d instructions:%s", failures, count, differences).isZero();
    }

    private static String image(State s) {
        StringBuilder text = new StringBuilder(" control %04x status %04x tags %02x".formatted(word(s.fx, 0), word(s.fx, 2), s.fx[4]));
        for (int i = 0; i < 8; i++) {
            text.append(" %04x:%016x".formatted(word(s.fx, 40 + 16 * i), quad(s.fx, 32 + 16 * i)));
        }
        return text.append(" operand %016x".formatted(s.data(OPERAND))).toString();
    }

    private static int word(byte[] b, int at) {
        return b[at] & 0xff | (b[at + 1] & 0xff) << 8;
    }

    private static long quad(byte[] b, int at) {
        long value = 0;
        for (int i = 7; i >= 0; i--) value = value << 8 | b[at + i] & 0xff;
        return value;
    }

    private static void put(byte[] b, int at, int bytes, long value) {
        for (int i = 0; i < bytes; i++) b[at + i] = (byte) (value >>> 8 * i);
    }

    private void fill(State s, boolean masked) {
        int control = masked ? operands.control() : operands.control() & ~0x3f | random.nextInt(64);
        put(s.fx, 0, 2, control);
        put(s.fx, 2, 2, random.nextInt(0x10000) & (masked ? 0x7f7f : 0x7f40 | control & 0x3f));
        s.fx[4] = (byte) (random.nextInt(3) == 0 ? random.nextInt(256) : random.nextBoolean() ? 0x7f : 0xff);
        int top = word(s.fx, 2) >> 11 & 7;
        if (s.fx[4] == 0x7f) s.fx[4] = (byte) ~(1 << (top + 7 & 7));
        for (int i = 0; i < 8; i += 2) {
            operands.next();
            put(s.fx, 32 + 16 * i, 8, operands.am);
            put(s.fx, 40 + 16 * i, 2, operands.ase);
            put(s.fx, 48 + 16 * i, 8, operands.bm);
            put(s.fx, 56 + 16 * i, 2, operands.bse);
        }
        s.data(OPERAND, operands.bits());
        for (int at = 8; at < 112; at += 8) s.data(OPERAND + at, random.nextLong());
        s.rflags = random.nextInt() & (State.FLAGS & ~0x400);
    }

    /// An instruction of D8 to DF, and FWAIT. One that loads a control word finds one with the masks there are now.
    private byte[] instruction(State s) {
        while (true) {
            int opcode = 0xd8 + random.nextInt(8);
            int modRm = random.nextBoolean() ? 0xc0 + random.nextInt(64) : 0x47 | random.nextInt(8) << 3;
            byte[] code = modRm >= 0xc0
                    ? new byte[] {0x48, (byte) opcode, (byte) modRm, (byte) FWAIT}
                    : new byte[] {0x41, (byte) opcode, (byte) modRm, 0, (byte) FWAIT};
            decoder.decode(code, code.length, 0x2, decoded);
            boolean memory = modRm < 0xc0;
            int reg = modRm >> 3 & 7;
            boolean loadsControl = memory && (opcode == 0xd9 && (reg == 4 || reg == 5) || opcode == 0xdd && reg == 4);
            boolean defined = !decoded.row.op.name().equals("undefined");
            if (loadsControl) put(s.data, OPERAND, 2, s.fx[0] & 0x3f | random.nextInt(0x10000) & ~0x3f);
            if (defined && (memory || opcode != 0xd9 || exactHere(s, modRm))) return code;
        }
    }

    /// Transcendental instructions must agree exactly only where no series is evaluated.
    private static boolean exactHere(State s, int modRm) {
        return switch (modRm) {
            case 0xf0, 0xf2, 0xfb, 0xfe, 0xff -> !finite(s, 0);
            case 0xf1, 0xf3, 0xf9 -> !finite(s, 0) && !finite(s, 1);
            default -> true;
        };
    }

    private static boolean finite(State s, int i) {
        int a = Float80.classify(quad(s.fx, 32 + 16 * i), word(s.fx, 40 + 16 * i));
        return a == Float80.NORMAL || a == Float80.DENORMAL;
    }

    /// Where processors differ. FIP and FDP in a stored environment: when they are kept. C1 after FCOMI and FUCOMI: SDM Vol. 2A clears it,
    /// AMD's leave it.
    private static void forgetDifferences(byte[] code, State s) {
        boolean registers = code.length == 4;
        boolean toFlags = registers && (code[1] & 0xfb) == 0xdb && code[2] >= (byte) 0xe8 && code[2] <= (byte) 0xf7;
        if (toFlags) s.fx[3] &= ~(X87.C1 >> 8);
        boolean environment = !registers && (code[1] & 0xfb) == 0xd9 && (code[2] >> 3 & 7) == 6;
        if (environment) {
            for (int at = 12; at < 28; at++) s.data[OPERAND + at] = 0;
        }
    }

    private static Cpu cpu(GuestMemory memory) {
        Cpu c = new Cpu(0, new Mmu(memory, (cpu, gpa, bytes) -> {}), new LocalApic());
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_ET | ControlBits.CR0_NE | ControlBits.CR0_MP;
        c.efer = ControlBits.EFER_LME | ControlBits.EFER_LMA;
        c.attributes[Cpu.CS] = 0xa09b;
        c.modeChanged();
        return c;
    }

    private void run(Cpu c, GuestMemory memory, HostCpu host, State in, byte[] code, State out) {
        out.copyFrom(in);
        out.vector = State.COMPLETED;
        out.faultOffset = 0;
        memory.write(host.data(), in.data, 0, State.DATA_BYTES);
        System.arraycopy(in.gpr, 0, c.r, 0, 16);
        Flags.setRflags(c, in.rflags | 2);
        load(c.fpu, in.fx);
        c.r[Cpu.RIP] = host.code();
        c.stop = Cpu.NONE;
        for (int at = 0; at < code.length && !c.faulted(); ) {
            byte[] rest = Arrays.copyOfRange(code, at, at + Decoder.MAX_LENGTH);
            decoder.decode(rest, rest.length, c.mode, decoded);
            Row row = decoded.row;
            Insn insn = spinner.make(new Spinner.Shape(row.op, 0, List.of(), Spinner.Addressing.NONE, false, false));
            decoded.fill(insn, at, decoded.size, c.mode);
            try {
                row.op.method().invoke(null, c, insn);
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
            if (c.faulted()) {
                out.vector = c.faultVector;
                out.faultOffset = at;
            }
            at += decoded.length;
        }
        c.stop = Cpu.NONE;
        System.arraycopy(c.r, 0, out.gpr, 0, 16);
        out.rflags = Flags.rflags(c);
        memory.read(host.data(), out.data, 0, State.DATA_BYTES);
        store(c.fpu, out.fx);
    }

    private static void load(X87 x, byte[] fx) {
        x.setControl(word(fx, 0));
        x.setStatusWord(word(fx, 2));
        x.setAbridgedTags(fx[4]);
        for (int i = 0; i < 8; i++) x.setStack(i, quad(fx, 32 + 16 * i), word(fx, 40 + 16 * i));
    }

    private static void store(X87 x, byte[] fx) {
        put(fx, 0, 2, x.control());
        put(fx, 2, 2, x.statusWord());
        put(fx, 4, 1, x.abridgedTags());
        for (int i = 0; i < 8; i++) {
            put(fx, 32 + 16 * i, 8, x.stackMantissa(i));
            put(fx, 40 + 16 * i, 2, x.stackSignExponent(i));
        }
    }
}
