package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.CpuStates;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SystemInstructionsTest {
    private final TestMachine m = new TestMachine();
    private final Cpu c = m.c;

    @AfterEach
    void close() {
        m.close();
    }

    private long msr(int number) {
        c.r[Cpu.RCX] = number;
        m.run(0x0f, 0x32);
        return c.r[Cpu.RDX] << 32 | c.r[Cpu.RAX];
    }

    private void setMsr(int number, long value) {
        c.r[Cpu.RCX] = number;
        c.r[Cpu.RAX] = value & 0xffff_ffffL;
        c.r[Cpu.RDX] = value >>> 32;
        m.run(0x0f, 0x30);
    }

    private void cpuid(int leaf, int subleaf) {
        c.r[Cpu.RAX] = leaf;
        c.r[Cpu.RCX] = subleaf;
        m.run(0x0f, 0xa2);
    }

    // Segments

    @Test
    void aDataSegmentIsLoadedWithItsHiddenPartAndMarkedAccessed() {
        m.protectedMode(0);
        m.descriptor(FREE, 0x12345678, 0xabc, 0x4092);
        c.r[Cpu.RAX] = FREE;
        m.run(0x8e, 0xc0); // MOV ES, AX
        assertThat(c.segmentBase(Cpu.ES)).isEqualTo(0x12345678);
        assertThat(c.limit[Cpu.ES]).isEqualTo(0xabc);
        assertThat(c.attributes[Cpu.ES]).isEqualTo(0x4093);
        assertThat(m.memory.read8(GDT + FREE + 5)).isEqualTo(0x93);
    }

    @Test
    void anAbsentStackSegmentIsAStackFault() {
        m.protectedMode(0);
        m.descriptor(FREE, 0, 0xfffff, 0xc013);
        c.r[Cpu.RAX] = FREE;
        m.run(0x8e, 0xd0);
        assertThat(m.vector()).isEqualTo(Exceptions.SS);
        assertThat(m.stack32(0)).isEqualTo(FREE);
    }

    @Test
    void userCodeMayNotLoadAKernelSegment() {
        m.protectedMode(3);
        c.r[Cpu.RAX] = DATA0 | 3;
        m.run(0x8e, 0xd8);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
        assertThat(m.stack32(0)).isEqualTo(DATA0);
    }

    @Test
    void larLslVerrAndVerwTellByZf() {
        m.protectedMode(3);
        c.r[Cpu.RBX] = DATA3;
        m.run(0x0f, 0x02, 0xc3, 0x0f, 0x03, 0xd3, 0x0f, 0x00, 0xeb, 0x0f, 0x94, 0xc1, 0x0f, 0x0b); // LAR, LSL, VERW, SETZ CL
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x00c0_f300);
        assertThat(c.r[Cpu.RDX]).isEqualTo(0xffff_ffffL);
        assertThat(c.r[Cpu.RCX]).isEqualTo(1);
        m.protectedMode(3);
        c.r[Cpu.RBX] = DATA0 | 3;
        m.run(0x0f, 0x00, 0xe3, 0x0f, 0x94, 0xc1, 0x0f, 0x0b); // VERR, SETZ CL
        assertThat(c.r[Cpu.RCX]).isZero();
    }

    @Test
    void ltrMarksTheTaskStateBusyOnce() {
        m.longMode(0);
        m.memory.write64(GDT + TASK, descriptor(TSS, 0x67, 0x89));
        m.memory.write64(GDT + TASK + 8, 0xffff_8000L);
        c.r[Cpu.RAX] = TASK;
        m.run(0x0f, 0x00, 0xd8);
        assertThat(c.trBase).isEqualTo(0xffff_8000_0000_3000L);
        assertThat(m.memory.read8(GDT + TASK + 5)).isEqualTo(0x8b);
        c.trBase = TSS;
        m.run(0x0f, 0x00, 0xd8);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
    }

    @Test
    void umipHidesTheTablesFromUserCode() {
        m.longMode(3);
        c.r[Cpu.RBX] = 0x50000;
        m.run(0x0f, 0x01, 0x03, 0x0f, 0x0b); // SGDT, UD2
        assertThat(m.memory.read16(0x50000)).isEqualTo(0xff);
        assertThat(m.memory.read64(0x50002)).isEqualTo(GDT);
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
        m.longMode(3);
        c.cr4 |= ControlBits.CR4_UMIP;
        m.run(0x0f, 0x01, 0x03);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
    }

    // Transfers

    @Test
    void realModeEntersProtectedModeAndLongMode() {
        m.longMode(0); // tables in memory
        m.real();
        c.cr0 = ControlBits.CR0_ET;
        c.cr4 = 0;
        c.efer = 0;
        c.gdtrBase = GDT;
        c.modeChanged();
        m.code(0x8800,
                0xbc, 0x00, 0x00, 0x02, 0x00, // MOV ESP, 20000H
                0x0f, 0x20, 0xe0, 0x83, 0xc8, 0x20, 0x0f, 0x22, 0xe0, // CR4.PAE
                0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32, 0x0d, 0x00, 0x01, 0x00, 0x00, 0x0f, 0x30, // EFER.LME
                0x0f, 0x20, 0xc0, 0x0d, 0x00, 0x00, 0x00, 0x80, 0x0f, 0x22, 0xc0, // CR0.PG
                0xea, 0x00, 0x90, 0x00, 0x00, CODE0_64, 0x00); // JMP FAR
        m.code(0x9000, 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8); // MOV RAX, imm64
        m.run(0x0f, 0x20, 0xc0, 0x66, 0x83, 0xc8, 0x01, 0x0f, 0x22, 0xc0, // CR0.PE
                0x66, 0xea, 0x00, 0x88, 0x00, 0x00, CODE0, 0x00);
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x0807060504030201L);
        assertThat(c.efer & ControlBits.EFER_LMA).isNotZero();
        assertThat(c.code64()).isTrue();
        assertThat(m.vector()).isEqualTo(-1);
    }

    @Test
    void aCallGateTakesTheInnerStackWithItsParameters() {
        m.protectedMode(3);
        long target = 0x9000;
        m.memory.write64(GDT + FREE, target & 0xffff | (long) CODE0 << 16 | 0xecL << 40 | 2L << 32);
        m.memory.write32(STACK, 0x1111);
        m.memory.write32(STACK + 4, 0x2222);
        // MOV EAX, [ESP+8]; MOV ECX, [ESP+12]; MOV EBX, CS; RETF 8
        m.code(0x9000, 0x8b, 0x44, 0x24, 8, 0x8b, 0x4c, 0x24, 12, 0x8c, 0xcb, 0xca, 8, 0);
        m.run(0x9a, 0, 0, 0, 0, FREE | 3, 0, 0x0f, 0x0b);
        assertThat(c.r[Cpu.RBX]).isEqualTo(CODE0);
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
        assertThat(m.stack32(1)).isEqualTo(CODE3);
        assertThat(m.stack32(3)).isEqualTo(STACK + 8);
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x1111);
        assertThat(c.r[Cpu.RCX]).isEqualTo(0x2222);
    }

    @Test
    void aFarCallInLongModeComesBack() {
        m.longMode(0);
        m.memory.write32(0x50000, 0x9000);
        m.memory.write16(0x50004, CODE0);
        m.code(0x9000, 0xb8, 0x78, 0x56, 0x34, 0x12, 0xcb); // in 32-bit code: MOV EAX, imm32; RETF
        c.r[Cpu.RBX] = 0x50000;
        m.run(0xff, 0x1b);
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x12345678);
        assertThat(c.r[Cpu.RIP]).isEqualTo(CODE + 3);
        assertThat(c.code64()).isTrue();
    }

    @Test
    void aTaskGateSwitchesAndIretSwitchesBack() {
        m.protectedMode(0);
        int other = 0x4000;
        m.memory.write64(GDT + TASK, descriptor(TSS, 0x67, 0x8b));
        m.memory.write64(GDT + FREE, descriptor(other, 0x67, 0x89));
        m.gate32(0x40, FREE, 0, 0x85);
        m.memory.write32(other + 0x20, 0x9000);
        m.memory.write32(other + 0x24, 2);
        m.memory.write32(other + 0x28, 0x77); // EAX
        m.memory.write32(other + 0x38, 0x28000);
        for (int n = 0; n < 6; n++) m.memory.write32(other + 0x48 + 4 * n, n == Cpu.CS ? CODE0 : DATA0);
        m.code(0x9000, 0xa3, 0, 0, 5, 0, 0xcf); // MOV [50000H], EAX; IRET
        c.r[Cpu.RAX] = 0x99;
        m.run(0xcd, 0x40, 0x90);
        assertThat(m.memory.read32(0x50000)).isEqualTo(0x77);
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x99);
        assertThat(c.r[Cpu.RIP]).isEqualTo(CODE + 4);
        assertThat(c.trSelector).isEqualTo(TASK);
        assertThat(c.rflags & Flags.NT).isZero();
        assertThat(c.cr0 & ControlBits.CR0_TS).isNotZero();
        assertThat(m.memory.read16(other)).isEqualTo(TASK);
        assertThat(m.memory.read8(GDT + FREE + 5)).isEqualTo(0x89);
        assertThat(m.memory.read8(GDT + TASK + 5)).isEqualTo(0x8b);
    }

    @Test
    void syscallAndSysretChangePrivilege() {
        m.longMode(3);
        c.msrs.lstar = 0x9000;
        c.msrs.fmask = Flags.IF;
        c.rflags |= Flags.IF;
        m.code(0x9000, 0x0f, 0x01, 0xf8, 0x48, 0x0f, 0x07); // SWAPGS; SYSRETQ
        m.run(0x0f, 0x05, 0x0f, 0x0b);
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
        assertThat(m.stack64(0)).isEqualTo(CODE + 2);
        assertThat(m.stack64(1)).isEqualTo(DATA3 - 8 + 16);
        assertThat(m.stack64(2) & Flags.IF).isNotZero();
        assertThat(c.r[Cpu.RCX]).isEqualTo(CODE + 2);
        assertThat(c.r[11] & Flags.IF).isNotZero();
    }

    // Control registers

    @Test
    void reservedBitsOfControlRegistersAreGeneralProtection() {
        long[][] wrong = {{0, 1L << 32}, {0, ControlBits.CR0_PG}, {4, 1L << 30}, {4, 0}, {3, 1L << 41}, {8, 0x10}};
        for (long[] w : wrong) {
            m.longMode(0);
            c.r[Cpu.RAX] = w[1];
            int reg = (int) w[0];
            m.run(reg == 8 ? 0x44 : 0x48, 0x0f, 0x22, 0xc0 | (reg & 7) << 3);
            assertThat(m.vector()).as("CR%d = %x", w[0], w[1]).isEqualTo(Exceptions.GP);
        }
    }

    @Test
    void cr8IsTheTaskPriority() {
        m.longMode(0);
        c.r[Cpu.RAX] = 9;
        m.run(0x44, 0x0f, 0x22, 0xc0, 0x44, 0x0f, 0x20, 0xc3);
        assertThat(c.apic.mmioRead(0xfee0_0080L, 4)).isEqualTo(0x90);
        assertThat(c.r[Cpu.RBX]).isEqualTo(9);
    }

    @Test
    void xsetbvWantsX87() {
        m.longMode(0);
        c.cr4 |= ControlBits.CR4_OSXSAVE;
        c.r[Cpu.RAX] = 3;
        m.run(0x0f, 0x01, 0xd1);
        assertThat(c.xcr0).isEqualTo(3);
        c.r[Cpu.RAX] = 2;
        m.run(0x0f, 0x01, 0xd1);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
    }

    @Test
    void movDrFaultsUnderGeneralDetect() {
        m.longMode(0);
        c.dr[7] |= 1 << 13;
        m.run(0x0f, 0x21, 0xc0);
        assertThat(m.vector()).isEqualTo(Exceptions.DB);
        assertThat(c.dr[6] & 1 << 13).isNotZero();
        assertThat(c.dr[7] & 1 << 13).isZero();
    }

    // MSRs and CPUID

    @Test
    void unknownMsrsAreGeneralProtection() {
        m.longMode(0);
        msr(0x1234);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
        m.longMode(0);
        setMsr(ModelSpecific.IA32_LSTAR, 1L << 60);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
    }

    @Test
    void theTscFollowsTheClockAndItsAdjustment() {
        m.longMode(0);
        m.clock.nanos += 5_000;
        m.run(0x0f, 0x31);
        assertThat(c.r[Cpu.RAX]).isEqualTo(5_000);
        setMsr(ModelSpecific.IA32_TSC, 1_000_000);
        m.clock.nanos += 7;
        assertThat(msr(ModelSpecific.IA32_TSC)).isEqualTo(1_000_007);
        assertThat(msr(ModelSpecific.IA32_TSC_ADJUST)).isEqualTo(995_000);
        setMsr(ModelSpecific.IA32_TSC_ADJUST, 0);
        assertThat(msr(ModelSpecific.IA32_TSC)).isEqualTo(5_007);
    }

    @Test
    void userCodeMayNotReadTheTscUnderTsd() {
        m.longMode(3);
        c.cr4 |= ControlBits.CR4_TSD;
        m.run(0x0f, 0x31);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
    }

    @Test
    void cpuidTellsVendorFrequencyAndTopology() {
        m.longMode(0);
        cpuid(0, 0);
        assertThat(text(c.r[Cpu.RBX], c.r[Cpu.RDX], c.r[Cpu.RCX])).isEqualTo("GenuineIntel");
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x16);
        cpuid(0x40000000, 0);
        assertThat(text(c.r[Cpu.RBX], c.r[Cpu.RCX], c.r[Cpu.RDX])).isEqualTo("KahvemKahvem");
        cpuid(0x15, 0);
        assertThat(c.r[Cpu.RCX] * c.r[Cpu.RBX] / c.r[Cpu.RAX]).isEqualTo(1_000_000_000);
        cpuid(0xb, 1);
        assertThat(c.r[Cpu.RAX]).isEqualTo(2);
        assertThat(c.r[Cpu.RBX]).isEqualTo(4);
        cpuid(4, 0);
        assertThat(c.r[Cpu.RAX] >>> 26).isEqualTo(3);
        cpuid(1, 0);
        assertThat(c.r[Cpu.RCX] & 1 << 27).isZero();
        c.cr4 |= ControlBits.CR4_OSXSAVE;
        cpuid(1, 0);
        assertThat(c.r[Cpu.RCX] & 1 << 27).isNotZero();
    }

    private static String text(long... words) {
        ByteBuffer bytes = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        for (long word : words) bytes.putInt((int) word);
        return new String(bytes.array(), StandardCharsets.US_ASCII);
    }

    @Test
    void rdrandGivesNumbersAndSetsCf() {
        m.longMode(0);
        m.run(0x48, 0x0f, 0xc7, 0xf0, 0x0f, 0x92, 0xc1, 0x48, 0x0f, 0xc7, 0xfb); // RDRAND RAX; SETC CL; RDSEED RBX
        assertThat(c.r[Cpu.RCX] & 0xff).isEqualTo(1);
        assertThat(c.r[Cpu.RAX]).isNotEqualTo(c.r[Cpu.RBX]);
    }

    // Flags and ports

    @Test
    void popfOfUserCodeLeavesIfAndIopl() {
        m.longMode(3);
        c.rflags |= Flags.IF;
        m.run(0x6a, 0x00, 0x9d, 0x9c, 0x58, 0x0f, 0x0b); // PUSH 0; POPF; PUSHF; POP RAX; UD2
        assertThat(c.r[Cpu.RAX]).isEqualTo(Flags.IF | 2);
        m.longMode(3);
        m.run(0xfa);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
    }

    @Test
    void lahfAndSahfMoveTheLowFlags() {
        m.longMode(0);
        c.r[Cpu.RAX] = 0xd500;
        m.run(0x9e, 0xb4, 0x00, 0x9f);
        assertThat(c.r[Cpu.RAX] >>> 8 & 0xff).isEqualTo(0xd7);
    }

    @Test
    void portsOfUserCodeAreTheBitmapsMatter() {
        m.longMode(3);
        c.trLimit = 0x68 + 0x2000;
        for (int n = 0; n < 0x2001; n++) m.memory.write8(TSS + 0x68 + n, 0xff);
        m.memory.write8(TSS + 0x68 + 0x3f8 / 8, 0xfe);
        c.r[Cpu.RDX] = 0x3f8;
        c.r[Cpu.RAX] = 0x41;
        m.run(0xee, 0xec, 0xef); // OUT DX, AL; IN AL, DX; OUT DX, EAX
        assertThat(m.io).containsExactly("out 3f8 1 41", "in 3f8 1");
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x88);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
        assertThat(m.stack64(1)).isEqualTo(CODE + 2);
    }

    @Test
    void repeatedOutsWritesEveryElement() {
        m.longMode(0);
        m.memory.write64(0x50000, 0x4443_4241);
        c.r[Cpu.RSI] = 0x50000;
        c.r[Cpu.RCX] = 2;
        c.r[Cpu.RDX] = 0x80;
        m.run(0xf3, 0x66, 0x6f);
        assertThat(m.io).containsExactly("out 80 2 4241", "out 80 2 4443");
        assertThat(c.r[Cpu.RCX]).isZero();
        assertThat(c.r[Cpu.RSI]).isEqualTo(0x50004);
    }

    @Test
    void fsgsbaseInstructionsReachTheBases() {
        m.longMode(3);
        c.r[Cpu.RAX] = 0x7fff_1234_5678L;
        m.run(0xf3, 0x48, 0x0f, 0xae, 0xd0, 0xf3, 0x0f, 0xae, 0xc3, 0x0f, 0x0b); // WRFSBASE RAX; RDFSBASE EBX
        assertThat(c.segmentBase(Cpu.FS)).isEqualTo(0x7fff_1234_5678L);
        assertThat(c.r[Cpu.RBX]).isEqualTo(0x1234_5678);
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
    }

    // State

    @Test
    void stateSurvivesAReset() {
        m.longMode(3);
        c.r[Cpu.RBX] = 0x1234;
        c.r[Cpu.ES_BASE + Cpu.GS] = 0x7000_0000_0000L;
        c.msrs.kernelGsBase = 0xffff_8000_0000_0000L;
        c.xmm[5] = 42;
        c.fpu.setStack(0, Long.MIN_VALUE, 0x3fff);
        m.clock.nanos = 1_000;
        setUpTimer();
        CpuState state = CpuStates.get(c);
        CpuStates.reset(c);
        assertThat(c.r[Cpu.RIP]).isEqualTo(0xfff0);
        assertThat(c.segmentBase(Cpu.CS)).isEqualTo(0xffff_0000L);
        assertThat(c.protectedMode()).isFalse();
        CpuStates.set(c, state);
        assertThat(c.cpl).isEqualTo(3);
        assertThat(c.code64()).isTrue();
        assertThat(c.r[Cpu.RBX]).isEqualTo(0x1234);
        assertThat(c.segmentBase(Cpu.GS)).isEqualTo(0x7000_0000_0000L);
        assertThat(c.msrs.kernelGsBase).isEqualTo(0xffff_8000_0000_0000L);
        assertThat(c.xmm[5]).isEqualTo(42);
        assertThat(c.apic.nextDeadlineNanos()).isEqualTo(9_000);
        assertThat(c.apic.tscDeadline()).isEqualTo(9_000);
    }

    private void setUpTimer() {
        c.apic.mmioWrite(0xfee0_00f0L, 4, 0x1ff);
        c.apic.mmioWrite(0xfee0_0320L, 4, 0x400ec);
        c.apic.setTscDeadline(9_000, 0);
    }

    @Test
    void aStartupInterruptBeginsAtItsPage() {
        m.longMode(0);
        CpuStates.init(c);
        CpuStates.startup(c, 0x9a);
        assertThat(c.selector[Cpu.CS]).isEqualTo(0x9a00);
        assertThat(c.segmentBase(Cpu.CS)).isEqualTo(0x9a000);
        assertThat(c.r[Cpu.RIP]).isZero();
        assertThat(c.efer).isZero();
        assertThat(c.cr0).isEqualTo(0x10);
    }
}
