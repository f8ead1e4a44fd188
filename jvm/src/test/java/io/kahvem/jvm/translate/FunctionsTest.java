package io.kahvem.jvm.translate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.hostcpu.UserCpu;
import io.kahvem.jvm.translate.Translator.Policy;
import org.junit.jupiter.api.Test;

/// Calls and returns inside a region: they go where the guest's stack says, and leave in time.
class FunctionsTest {
    private static final long BASE = 0x2000_0000L;
    private static final int RUNS = 60;

    /// What `code` leaves in RAX for the last of these values of RDI, the same interpreted and translated, at each of many runs with each.
    private static long result(Assembler code, int... rdis) {
        return result(UserCpu.TRANSLATED, code, rdis);
    }

    private static long result(Policy policy, Assembler code, int... rdis) {
        byte[] bytes = code.assembled();
        try (UserCpu interpreter = new UserCpu(BASE, Opcodes.map(), Policy.OFF);
                UserCpu translator = new UserCpu(BASE, Opcodes.map(), policy)) {
            long expected = 0;
            for (int rdi : rdis) {
                expected = run(interpreter, bytes, rdi);
                for (int n = 0; n < RUNS; n++) assertEquals(expected, run(translator, bytes, rdi));
            }
            assertEquals(interpreter.c.retired * RUNS, translator.c.retired);
            assertTrue(translator.translatedInstructions() > translator.c.retired * 9 / 10,
                    () -> translator.translatedInstructions() + " of " + translator.c.retired + " instructions were translated");
            return expected;
        }
    }

    private static long run(UserCpu cpu, byte[] bytes, int rdi) {
        cpu.write(HostCpu.CODE, bytes);
        cpu.set(new State());
        cpu.c.r[Cpu.RSP] = BASE + HostCpu.STACK + 0x800;
        cpu.c.r[Cpu.RDI] = rdi;
        cpu.c.budget = 1; // one that is spent would have the region grow at once
        assertTrue(cpu.go(HostCpu.CODE, 10_000_000));
        assertEquals(BASE + HostCpu.STACK + 0x800, cpu.c.r[Cpu.RSP]);
        return cpu.c.r[Cpu.RAX];
    }

    private static Assembler code() {
        return new Assembler(BASE + HostCpu.CODE);
    }

    @Test
    void aFunctionThatCallsItself() {
        assertEquals(987, result(code()
                .hex("e8").to32("fib").hex("0f0b") // call fib; ud2
                .label("fib").hex("83ff02 73").to8("more").hex("89f8 c3") // cmp edi, 2; jae more; mov eax, edi; ret
                .label("more").hex("57 ffcf e8").to32("fib").hex("5f 50") // push rdi; dec edi; call fib; pop rdi; push rax
                .hex("83ef02 e8").to32("fib").hex("59 01c8 c3"), 16)); // sub edi, 2; call fib; pop rcx; add eax, ecx; ret
    }

    /// 9 calls of one function, time and again, so that the region has it once it grows; then 31 of it and 9 of another.
    @Test
    void anIndirectCallThatGoesElsewhereInTheEnd() {
        assertEquals(31 * 3 + 9 * 1000, result(new Policy(1, 0, 100, false), code()
                .hex("eb").to8("start") // jmp start
                .label("three").hex("83c203 c3") // add edx, 3; ret
                .label("thousand").hex("81c2e8030000 c3") // add edx, 1000; ret
                .label("start").hex("89f931d2 488d35").to32("three").hex("4c8d05").to32("thousand") // mov ecx, edi; lea rsi, r8
                .label("next").hex("ffd6 83f90a 490f44f0") // call rsi; cmp ecx, 10; cmove rsi, r8
                .hex("ffc9 75").to8("next").hex("89d0 0f0b c3"), 9, 9, 9, 40)); // dec ecx; jne next; mov eax, edx; ud2; ret
    }

    @Test
    void aReturnToAnotherPlaceThanTheCall() {
        assertEquals(12, result(code()
                .hex("31c0").label("next").hex("e8").to32("skip").hex("ffc0") // xor eax, eax; call skip; inc eax, which is skipped
                .hex("83c002 e8").to32("stay").hex("ffc0") // add eax, 2; call stay; inc eax
                .hex("ffcf 75").to8("next").hex("0f0b") // dec edi; jnz next; ud2
                .label("skip").hex("4883042402 c3") // add qword [rsp], 2; ret
                .label("stay").hex("c3"), 4));
    }

    @Test
    void aReturnThatReleasesArguments() {
        assertEquals(30, result(code()
                .hex("31c0").label("next").hex("57 6a05 e8").to32("add") // xor eax, eax; push rdi; push 5; call add
                .hex("ffcf 75").to8("next").hex("0f0b") // dec edi; jnz next; ud2
                .label("add").hex("03442408 03442410 c21000"), 4)); // add eax, [rsp + 8]; add eax, [rsp + 16]; ret 16
    }

    /// Misses of the TLB leave a larger region to the interpreter as long as they are rare, and are dealt with in place then.
    @Test
    void aRegionWhoseLoadsMissOftenIsMadeAnew() {
        byte[] bytes = code()
                .hex("eb").to8("start") // jmp start
                .label("load").hex("488b0f 4801c8 c3") // mov rcx, [rdi]; add rax, rcx; ret
                .label("start").hex("31c0 ba08000000") // xor eax, eax; mov edx, 8
                .label("loop").hex("e8").to32("load").hex("ffca 75").to8("loop") // call load; dec edx; jne loop
                .assembled();
        try (UserCpu cpu = new UserCpu(BASE, Opcodes.map(), new Policy(1, 0, 100, false))) {
            State in = new State();
            in.data(0, 3);
            long interpreted = 0;
            for (int n = 0; n < 10_000; n++) {
                if (n == 1_000) assertTrue(interpreted > 0, "no miss has left the region");
                long before = cpu.c.retired - cpu.translatedInstructions();
                cpu.write(HostCpu.CODE, bytes);
                cpu.set(in);
                cpu.c.r[Cpu.RSP] = BASE + HostCpu.STACK + 0x800;
                cpu.c.r[Cpu.RDI] = BASE + HostCpu.DATA;
                cpu.c.mmu.flush();
                assertTrue(cpu.go(HostCpu.CODE, 1_000));
                assertEquals(24, cpu.c.r[Cpu.RAX]);
                interpreted = cpu.c.retired - cpu.translatedInstructions() - before;
            }
            assertEquals(0, interpreted);
        }
    }
}
