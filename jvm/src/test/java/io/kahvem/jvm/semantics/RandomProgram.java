package io.kahvem.jvm.semantics;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.decode.Row;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.semantics.sse.FloatSamples;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// A long program made of a seed: functions, and sections that are loops over integer, vector and x87 instructions with branches, inner
/// loops, calls, string instructions and jumps through registers. Each section ends in UD2, where its state can be compared.
///
/// R15 holds the data's address and R14 a small number; a section sets RSP anew in each round, so that unbalanced pushes stay harmless.
public final class RandomProgram {
    private static final int FUNCTIONS = 3;
    private static final int SECTIONS = 5;
    private static final Row UNDEFINED = new Decoded().row;

    /// Loop counters, out of the way of what else the program stores.
    private static final int COUNTERS = HostCpu.STACK_TOP - 0x800;

    private static final int STACK = HostCpu.STACK + 0x6000;

    /// 0FH opcodes by mandatory prefix; those with an immediate, those that write a general register, and those that store come apart.
    private static final String[] VECTOR = {
        "10 14 15 28 51 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f 2e 2f",
        "10 14 15 28 51 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f 2e 2f 60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 74 75 76 7c 7d d0 d1 d2"
                + " d3 d4 d5 d8 d9 da db dc dd de df e0 e1 e2 e3 e4 e5 e6 e8 e9 ea eb ec ed ee ef f1 f2 f3 f4 f5 f6 f8 f9 fa fb fc fd fe",
        "10 12 16 2a 51 58 59 5a 5b 5c 5d 5e 5f 6f 7e e6",
        "10 12 2a 51 58 59 5a 5c 5d 5e 5f 7c 7d d0 e6"};
    private static final String[] IMMEDIATE = {"c2 c6", "c2 c6 70", "c2 70", "c2 70"};
    private static final String[] TO_GENERAL = {"50", "50 d7", "2c 2d", "2c 2d"};
    private static final String[] STORES = {"11 29 13 17", "11 29 7f d6 7e 13 17", "11 7f", "11"};
    private static final String MAP2 = "00 01 02 03 04 05 06 07 08 09 0a 0b 10 14 15 17 1c 1d 1e 20 21 22 23 24 25 28 29 2b 30 31 32 33 34"
            + " 35 37 38 39 3a 3b 3c 3d 3e 3f 40 41";
    private static final String MAP3 = "08 09 0a 0b 0c 0d 0e 0f 40 41 42";
    private static final String VEX2 = "18 19 45 46 47 58 59 78 79 96 97 98 99 9a 9b 9c 9d 9e 9f a6 a7 a8 a9 aa ab ac ad ae af b6 b7 b8 b9"
            + " ba bb bc bd be bf 0c 0d 16 36";
    private static final String[] X87 = {"d9c0", "d9c1", "d9c2", "d9c9", "d9ca", "d9e0", "d9e1", "d9e8", "d9eb", "d9ee", "d9fa", "d9fc",
        "d8c1", "d8c9", "d8e1", "d8f1", "dcc2", "dcca", "dcea", "dcfa", "dec1", "dec9", "dee9", "def9", "dbf1", "dbe9", "dfe0", "dac1",
        "dbc9", "ddd9", "ddc1", "9b", "dbe2", "d9f6", "d9f7", "d9e4", "d9e5", "dae9"};
    private static final String[] X87_MEMORY = {"d9 0", "dd 0", "d9 3", "dd 3", "d9 2", "dd 2", "db 0", "db 2", "db 3", "df 0", "df 3",
        "df 5", "df 7", "db 5", "db 7", "d8 0", "d8 1", "d8 4", "d8 6", "dc 0", "dc 1", "dc 5", "dc 7", "da 0", "de 1", "d9 7"};
    private static final String[] MMX = {"6f", "fc", "fd", "ef", "d5", "60", "7f", "e5", "71"};

    final long seed;
    final State initial;
    public final byte[] code;

    /// Where sections start, as offsets into the code.
    public final int[] sections = new int[SECTIONS];

    /// What may be left out of it, as `[from, to)`: the outer before what is in it.
    final List<int[]> parts = new ArrayList<>();

    private final Random random;
    private final InstructionGenerator integers;
    private final List<IntegerTemplate> templates = IntegerTemplate.all().stream().filter(RandomProgram::usable).toList();
    private final long base;
    private final Assembler out;
    private final Decoder decoder = new Decoder(Opcodes.map());
    private final Decoded decoded = new Decoded();
    private final boolean changesItself;
    private int labels;
    private int counters;

    private record Addresses(long base) implements HostCpu {
        @Override
        public void run(State in, byte[] code, State out) {
            throw new UnsupportedOperationException("addresses only");
        }

        @Override
        public void close() {}
    }

    public RandomProgram(long base, long seed) {
        this.base = base;
        this.seed = seed;
        this.random = new Random(seed);
        this.changesItself = random.nextInt(8) == 0;
        HostCpu addresses = new Addresses(base);
        integers = new InstructionGenerator(addresses, random);
        initial = integers.randomState();
        initial.gpr[15] = addresses.data();
        initial.gpr[14] = random.nextInt(8);
        initial.gpr[4] = base + STACK;
        boolean doubles = random.nextBoolean();
        for (int n = 0; n < 16; n++) initial.xmm(n, FloatSamples.lane(random, doubles), FloatSamples.lane(random, doubles));
        for (int n = 0; n < 32; n++) initial.ymmUpper[n] = FloatSamples.lane(random, doubles);
        for (int at = 0; at < State.DATA_BYTES / 2; at += 8) initial.data(at, FloatSamples.lane(random, doubles));
        initial.mxcsr(0x1f80 | random.nextInt(4) * random.nextInt(2) << 13 | (random.nextInt(4) == 0 ? 0x8040 : 0));
        out = new Assembler(addresses.code());
        for (int n = 0; n < FUNCTIONS; n++) {
            out.label("function" + n);
            body(4 + random.nextInt(6), 1, n, false);
            out.hex(random.nextInt(4) == 0 ? "c2 0000" : "c3");
        }
        for (int n = 0; n < SECTIONS; n++) section(n);
        code = out.assembled();
        parts.sort((a, b) -> Integer.compare(b[1] - b[0], a[1] - a[0]));
    }

    private static boolean usable(IntegerTemplate t) {
        return !t.has(IntegerTemplate.XLAT | IntegerTemplate.DIVIDES) && !t.name().equals("enter") && !t.name().equals("leave");
    }

    private void section(int n) {
        sections[n] = out.size();
        long counter = counter();
        out.hex("c70425").word(4, counter).word(4, 25 + random.nextInt(50)); // mov dword [counter], n
        String head = label();
        out.label(head);
        out.hex("48bc").word(8, base + STACK); // mov rsp, stack
        body(6 + random.nextInt(20), 0, FUNCTIONS, true);
        again(counter, head);
        out.hex("0f0b");
    }

    private long counter() {
        return base + COUNTERS + 8L * (counters++ % 200);
    }

    private String label() {
        return "l" + labels++;
    }

    /// sub dword [counter], 1; jnz
    private void again(long counter, String head) {
        out.hex("832c25").word(4, counter).hex("01 0f85").to32(head);
    }

    private void body(int items, int depth, int functions, boolean pushes) {
        for (int n = 0; n < items; n++) {
            int from = out.size();
            item(depth, functions, pushes);
            parts.add(new int[] {from, out.size()});
        }
    }

    private void item(int depth, int functions, boolean pushes) {
        switch (random.nextInt(100)) {
            case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 -> branch(depth, functions, pushes);
            case 12, 13, 14, 15 -> {
                if (depth < 2) innerLoop(depth, functions, pushes);
            }
            case 16, 17, 18, 19, 20 -> call(functions);
            case 21, 22 -> strings();
            case 23, 24 -> divide();
            case 25, 26 -> indirectJump();
            case 27 -> out.hex("b9").word(4, 1 + random.nextInt(9)).hex("488d544a01 e2f9"); // mov ecx, n; l: lea rdx, [rdx+2*rcx+1]; loop l
            case 28 -> out.hex("ba").word(4, 1 + random.nextInt(9)).hex("4801c8 ffca 75f9"); // mov edx, n; l: add rax, rcx; dec edx; jnz l
            case 29 -> out.hex(random.nextBoolean() ? "50 59" : "9c 58"); // push rax; pop rcx, or pushf; pop rax
            case 30 -> out.hex(random.nextBoolean() ? "f8" : random.nextBoolean() ? "f5" : "9f"); // clc, cmc, lahf
            case 31 -> {
                if (changesItself) change();
            }
            case 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49 -> vector();
            case 50, 51, 52, 53, 54, 55, 56, 57 -> x87();
            case 58 -> mmx();
            case 59, 60 -> bmi();
            case 61 -> roundOtherwise();
            default -> integer(pushes);
        }
    }

    private void integer(boolean pushes) {
        IntegerTemplate t;
        do {
            t = templates.get(random.nextInt(templates.size()));
        } while (t.has(IntegerTemplate.STACK) && !pushes);
        out.bytes(integers.sequenced(t, initial, out.here()));
    }

    private void branch(int depth, int functions, boolean pushes) {
        String over = label();
        out.hex("0f%02x".formatted(0x80 | random.nextInt(16))).to32(over);
        body(1 + random.nextInt(4), depth, functions, pushes);
        if (random.nextInt(3) == 0) { // else
            String end = label();
            out.hex("e9").to32(end).label(over);
            body(1 + random.nextInt(3), depth, functions, pushes);
            out.label(end);
        } else {
            out.label(over);
        }
    }

    private void innerLoop(int depth, int functions, boolean pushes) {
        long counter = counter();
        out.hex("c70425").word(4, counter).word(4, 2 + random.nextInt(6));
        String head = label();
        out.label(head);
        body(1 + random.nextInt(6), depth + 1, functions, pushes);
        again(counter, head);
    }

    private void call(int functions) {
        if (functions == 0) return;
        String target = "function" + random.nextInt(functions);
        if (random.nextInt(3) != 0) {
            out.hex("e8").to32(target);
        } else {
            out.hex("4c8d1d").to32(target).hex("41ffd3"); // lea r11, [target]; call r11
        }
    }

    private void strings() {
        String operation = new String[] {"f3a4", "f3aa", "f3a6", "f2ae", "f348a5", "f366ab", "a4", "48ad", "f3ae"}[random.nextInt(9)];
        out.hex("498d7f%02x 498d77%02x".formatted(random.nextInt(64), random.nextInt(64))); // lea rdi, [r15+n]; lea rsi, [r15+n]
        out.hex("b9").word(4, random.nextInt(24)).hex(operation);
    }

    /// Mostly by something that does not fault.
    private void divide() {
        if (random.nextInt(10) == 0) {
            out.hex("99 f7f9"); // cdq; idiv ecx
        } else {
            out.hex("83c901 31d2").hex(random.nextBoolean() ? "f7f1" : "48f7f1"); // or ecx, 1; xor edx, edx; div ecx
        }
    }

    private void indirectJump() {
        String one = label();
        String other = label();
        out.hex("4c8d1d").to32(one).hex("4c8d15").to32(other); // lea r11, [one]; lea r10, [other]
        out.hex("4d0f%02xda 41ffe3".formatted(0x40 | random.nextInt(16))); // cmov r11, r10; jmp r11
        out.label(one);
        integer(false);
        out.label(other);
    }

    /// Changes the immediate of the next or the second next instruction: mov byte [rip + n], i; add eax, i.
    private void change() {
        boolean far = random.nextBoolean();
        out.hex("c605").word(4, far ? 4 : 1).word(1, random.nextInt()).hex(far ? "48ffc0" : "").hex("05").word(4, random.nextInt());
    }

    private String pick(String opcodes) {
        String[] each = opcodes.split(" ");
        return each[random.nextInt(each.length)];
    }

    private int generalRegister() {
        int n;
        do {
            n = random.nextInt(14);
        } while (n == 4);
        return n;
    }

    /// Legacy or VEX encoding of a random vector instruction that there is.
    private void vector() {
        byte[] bytes;
        do {
            bytes = random.nextInt(3) == 0 ? vex() : legacy();
            byte[] window = Arrays.copyOf(bytes, Decoder.MAX_LENGTH);
            decoder.decode(window, window.length, Mode.CODE64 | Mode.FLAT, decoded);
        } while (decoded.row == UNDEFINED || decoded.length != bytes.length);
        out.bytes(bytes);
    }

    private byte[] legacy() {
        int prefix = random.nextInt(4);
        int kind = random.nextInt(12);
        boolean map2 = kind == 0;
        boolean map3 = kind == 1;
        if (map2 || map3) prefix = 1;
        String opcode = map2 ? pick(MAP2)
                : map3 ? pick(MAP3)
                : kind == 2 ? pick(IMMEDIATE[prefix])
                : kind == 3 ? pick(TO_GENERAL[prefix])
                : kind == 4 ? pick(STORES[prefix])
                : pick(VECTOR[prefix]);
        boolean memory = random.nextInt(3) == 0;
        int reg = kind == 3 ? generalRegister() : random.nextInt(16);
        int rm = opcode.equals("7e") && prefix == 1 ? generalRegister() : random.nextInt(16);
        int w = random.nextInt(4) == 0 ? 8 : 0;
        Assembler a = new Assembler(0).hex(new String[] {"", "66", "f3", "f2"}[prefix]);
        a.word(1, 0x40 | w | reg >> 3 << 2 | (memory ? 1 : rm >> 3)).hex("0f" + (map2 ? "38" : map3 ? "3a" : "") + opcode);
        modRm(a, memory, reg, rm);
        if (kind == 1 || kind == 2) a.word(1, random.nextInt(256));
        return a.assembled();
    }

    private void modRm(Assembler a, boolean memory, int reg, int rm) {
        if (memory) {
            a.word(1, 0x80 | (reg & 7) << 3 | 7).word(4, 32L * random.nextInt(24)); // [r15 + n]
        } else {
            a.word(1, 0xc0 | (reg & 7) << 3 | rm & 7);
        }
    }

    private byte[] vex() {
        boolean map2 = random.nextInt(3) == 0;
        int pp = map2 ? 1 : random.nextInt(4);
        boolean general = !map2 && random.nextInt(12) == 0;
        boolean store = !map2 && !general && random.nextInt(10) == 0;
        String opcode = map2 ? pick(random.nextBoolean() ? VEX2 : MAP2) : pick(general ? TO_GENERAL[pp] : store ? STORES[pp] : VECTOR[pp]);
        boolean memory = random.nextInt(3) == 0;
        int reg = general ? generalRegister() : random.nextInt(16);
        int rm = opcode.equals("7e") && pp == 1 ? generalRegister() : random.nextInt(16);
        int vvvv = random.nextInt(3) == 0 ? 0 : random.nextInt(16);
        Assembler a = new Assembler(0).hex("c4");
        a.word(1, (~(reg >> 3) & 1) << 7 | 0x40 | (memory ? 0 : (~(rm >> 3) & 1) << 5) | (map2 ? 2 : 1));
        a.word(1, random.nextInt(2) << 7 | (~vvvv & 15) << 3 | random.nextInt(2) << 2 | pp).hex(opcode);
        modRm(a, memory, reg, rm);
        return a.assembled();
    }

    private void bmi() {
        int reg = generalRegister();
        String opcode = pick("f2 f5 f7");
        int pp = opcode.equals("f2") ? 0 : random.nextInt(4);
        int rm = random.nextInt(16);
        out.hex("c4").word(1, (~(reg >> 3) & 1) << 7 | 0x40 | (~(rm >> 3) & 1) << 5 | 2);
        out.word(1, random.nextInt(2) << 7 | (~random.nextInt(16) & 15) << 3 | (opcode.equals("f5") && pp == 1 ? 0 : pp)).hex(opcode);
        modRm(out, false, reg, rm);
    }

    private void x87() {
        if (random.nextBoolean()) {
            out.hex(X87[random.nextInt(X87.length)]);
            return;
        }
        String[] form = X87_MEMORY[random.nextInt(X87_MEMORY.length)].split(" ");
        out.hex("41" + form[0]).word(1, 0x80 | Integer.parseInt(form[1]) << 3 | 7).word(4, 8L * random.nextInt(100));
    }

    /// mov dword [r15 + n], mxcsr; ldmxcsr [r15 + n]: another rounding mode, flushing or not, sometimes with exceptions unmasked.
    private void roundOtherwise() {
        int at = 8 * random.nextInt(100);
        int mxcsr = 0x1f80 | random.nextInt(4) << 13 | (random.nextInt(3) == 0 ? 0x8040 : 0);
        if (random.nextInt(8) == 0) mxcsr &= ~(random.nextInt() & 0x1f80);
        out.hex("41c787").word(4, at).word(4, mxcsr).hex("410fae97").word(4, at);
    }

    private void mmx() {
        String opcode = MMX[random.nextInt(MMX.length)];
        if (opcode.equals("71")) {
            out.hex("0f71 d1 %02x".formatted(random.nextInt(20)));
        } else {
            out.hex("410f" + opcode);
            modRm(out, random.nextBoolean(), random.nextInt(8), random.nextInt(8));
        }
        if (random.nextBoolean()) out.hex("0f77");
    }

    /// The program with the part replaced by NOPs.
    static byte[] without(byte[] code, int[] part) {
        byte[] less = code.clone();
        Arrays.fill(less, part[0], part[1], (byte) 0x90);
        return less;
    }
}
