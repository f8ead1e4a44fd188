package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.TestMachine.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.semantics.Interrupts.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InterruptsTest {
    private final TestMachine m = new TestMachine();
    private final Cpu c = m.c;

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void realModePushesFlagsAndFarReturnAddress() {
        m.real();
        m.memory.write32(0x21 * 4, 0x1000_0000);
        m.memory.write8(0x10000, 0xf4);
        c.rflags |= Flags.IF;
        m.run(0xcd, 0x21);
        assertThat(c.r[Cpu.RIP]).isEqualTo(1);
        assertThat(c.selector[Cpu.CS]).isEqualTo(0x1000);
        assertThat(c.r[Cpu.RSP]).isEqualTo(0x6ffa);
        assertThat(m.memory.read16(0x6ffa)).isEqualTo(CODE + 2);
        assertThat(m.memory.read16(0x6ffe) & Flags.IF).isNotZero();
        assertThat(c.rflags & Flags.IF).isZero();
    }

    @Test
    void realModeIretComesBack() {
        m.real();
        m.memory.write32(0x21 * 4, 0x1000_0000);
        m.memory.write8(0x10000, 0xcf);
        m.run(0xcd, 0x21);
        assertThat(c.r[Cpu.RIP]).isEqualTo(CODE + 3);
        assertThat(c.selector[Cpu.CS]).isZero();
        assertThat(c.r[Cpu.RSP]).isEqualTo(0x7000);
    }

    @Test
    void aFaultInKernelCodePushesItsErrorCodeAndRf() {
        m.protectedMode(0);
        m.run(0x8e, 0xd8); // MOV DS, AX of a selector outside the GDT
        assertThat(c.selector[Cpu.DS]).isEqualTo(0);
        c.r[Cpu.RAX] = 0x1000;
        m.run(0x8e, 0xd8);
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
        assertThat(m.stack32(0)).isEqualTo(0x1000);
        assertThat(m.stack32(1)).isEqualTo(CODE);
        assertThat(m.stack32(2)).isEqualTo(CODE0);
        assertThat(m.stack32(3) & Flags.RF).isNotZero();
    }

    @Test
    void anInterruptInUserCodeSwitchesToTheStackOfTheTaskStateAndBack() {
        m.protectedMode(3);
        c.rflags |= Flags.IF;
        m.gate32(0x80, CODE0, HANDLERS + 16 * 0x80, 0xef);
        m.code(HANDLERS + 16 * 0x80, 0x8c, 0xd0, 0xcf); // MOV EAX, SS; IRET
        m.run(0xcd, 0x80, 0x89, 0xc3, 0xcd, 0x81);
        assertThat(c.r[Cpu.RBX]).isEqualTo(DATA0);
        // INT 81H goes through a gate of privilege 0
        assertThat(m.vector()).isEqualTo(Exceptions.GP);
        assertThat(m.stack32(0)).isEqualTo(0x81 * 8 + 2);
        assertThat(c.r[Cpu.RSP]).isEqualTo(STACK0 - 24);
        assertThat(m.stack32(1)).isEqualTo(CODE + 4);
        assertThat(m.stack32(4)).isEqualTo(STACK);
        assertThat(m.stack32(5)).isEqualTo(DATA3);
    }

    @Test
    void longModeAlignsTheStackAndPushesAll() {
        m.longMode(3);
        c.r[Cpu.RSP] = STACK - 3;
        c.rflags |= Flags.IF;
        m.run(0x0f, 0x0b); // UD2
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
        assertThat(c.r[Cpu.RSP]).isEqualTo(STACK0 - 40);
        assertThat(m.stack64(0)).isEqualTo(CODE);
        assertThat(m.stack64(1)).isEqualTo(CODE3_64);
        assertThat(m.stack64(2) & (Flags.IF | Flags.RF)).isEqualTo(Flags.IF | Flags.RF);
        assertThat(m.stack64(3)).isEqualTo(STACK - 3);
        assertThat(m.stack64(4)).isEqualTo(DATA3);
        assertThat(c.selector[Cpu.SS]).isZero();
        assertThat(c.cpl).isZero();
        assertThat(c.rflags & Flags.IF).isZero();
    }

    @Test
    void longModeTakesTheInterruptStackTable() {
        m.longMode(0);
        m.gate64(2, CODE0_64, HANDLERS + 32, 0x8e, 1);
        m.code(CODE, 0x90);
        Interrupts.deliver(c, 2, Kind.EXTERNAL, 0, false);
        assertThat(c.r[Cpu.RSP]).isEqualTo(IST - 40);
        assertThat(c.nmiBlocked).isTrue();
        m.code(HANDLERS + 32, 0x48, 0xcf);
        m.run();
        assertThat(c.r[Cpu.RSP]).isEqualTo(STACK);
        assertThat(c.nmiBlocked).isFalse();
        assertThat(c.selector[Cpu.SS]).isEqualTo(DATA0);
    }

    @Test
    void aPageFaultTellsAddressAndCause() {
        m.longMode(3);
        c.r[Cpu.RBX] = 0x80123;
        m.run(0x88, 0x03); // MOV [RBX], AL
        assertThat(m.vector()).isEqualTo(Exceptions.PF);
        assertThat(c.cr2).isEqualTo(0x80123);
        assertThat(m.stack64(0)).isEqualTo(7);
    }

    @Test
    void aPageFaultOnTheHandlersStackIsADoubleFault() {
        m.longMode(3);
        m.memory.write64(TSS + 4, 0x60000000);
        m.gate64(8, CODE0_64, HANDLERS + 16 * 8, 0x8e, 1);
        c.r[Cpu.RBX] = 0x80123;
        m.run(0x88, 0x03);
        assertThat(m.vector()).isEqualTo(Exceptions.DF);
        assertThat(m.stack64(0)).isZero();
        assertThat(c.r[Cpu.RSP]).isEqualTo(IST - 48);
    }

    @Test
    void aFaultOfTheDoubleFaultShutsDown() {
        m.longMode(3);
        m.memory.write64(TSS + 4, 0x60000000);
        m.run(0x0f, 0x0b);
        assertThat(c.shutdown).contains("triple fault");
    }

    @Test
    void anAbsentGateIsNotPresentWithTheExternalBit() {
        m.longMode(0);
        m.gate64(0x30, CODE0_64, 0, 0x0e, 0);
        m.code(CODE, 0x90);
        Interrupts.deliver(c, 0x30, Kind.EXTERNAL, 0, false);
        m.run();
        assertThat(m.vector()).isEqualTo(Exceptions.NP);
        assertThat(m.stack64(0)).isEqualTo(0x30 * 8 + 3);
    }

    @Test
    void iretToUserCodeLeavesKernelDataBehind() {
        m.longMode(0);
        c.r[Cpu.RSP] = STACK - 40;
        m.memory.write64(STACK - 40, USER_CODE);
        m.memory.write64(STACK - 32, CODE3_64);
        m.memory.write64(STACK - 24, Flags.IF | 2 | Flags.ZF);
        m.memory.write64(STACK - 16, 0x12345678);
        m.memory.write64(STACK - 8, DATA3);
        m.code(USER_CODE, 0x0f, 0x0b);
        m.run(0x48, 0xcf);
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
        assertThat(m.stack64(0)).isEqualTo(USER_CODE);
        assertThat(m.stack64(1)).isEqualTo(CODE3_64);
        assertThat(m.stack64(2) & (Flags.IF | Flags.ZF)).isEqualTo(Flags.IF | Flags.ZF);
        assertThat(m.stack64(3)).isEqualTo(0x12345678);
        assertThat(c.selector[Cpu.DS]).isZero();
    }

    @Test
    void iretToKernelCodeTakesTheStackAndNullSegments() {
        m.longMode(0);
        c.r[Cpu.RSP] = STACK - 40;
        m.memory.write64(STACK - 40, USER_CODE);
        m.memory.write64(STACK - 32, CODE0_64);
        m.memory.write64(STACK - 24, 2);
        m.memory.write64(STACK - 16, STACK - 0x1000);
        m.memory.write64(STACK - 8, 0);
        m.code(USER_CODE, 0xf4);
        m.run(0x48, 0xcf);
        assertThat(c.r[Cpu.RIP]).isEqualTo(USER_CODE + 1);
        assertThat(c.r[Cpu.RSP]).isEqualTo(STACK - 0x1000);
        assertThat(c.selector[Cpu.SS]).isZero();
        assertThat(c.cpl).isZero();
    }

    @Test
    void virtual8086CodeIsEnteredByIretAndLeftByAnInterrupt() {
        m.protectedMode(0);
        int[] frame = {0x100, 0x800, Flags.VM | 2 | Flags.IOPL | Flags.IF, 0xfff0, 0x1800, 0x1, 0x2, 0x3, 0x4};
        c.r[Cpu.RSP] = STACK - 36;
        for (int n = 0; n < frame.length; n++) m.memory.write32(STACK - 36 + 4 * n, frame[n]);
        m.gate32(0x21, CODE0, HANDLERS + 16 * 0x21, 0xee);
        m.code(0x8100, 0xcd, 0x21);
        m.run(0xcf);
        assertThat(m.vector()).isEqualTo(0x21);
        assertThat(c.r[Cpu.RSP]).isEqualTo(STACK0 - 36);
        assertThat(m.stack32(0)).isEqualTo(0x102);
        assertThat(m.stack32(1)).isEqualTo(0x800);
        assertThat(m.stack32(2) & Flags.VM).isNotZero();
        assertThat(m.stack32(3)).isEqualTo(0xfff0);
        assertThat(m.stack32(4)).isEqualTo(0x1800);
        assertThat(m.stack32(5)).isEqualTo(1);
        assertThat(m.stack32(8)).isEqualTo(4);
        assertThat(c.selector[Cpu.DS]).isZero();
        assertThat(c.virtual8086()).isFalse();
    }

    @Test
    void aSingleStepTrapsAfterTheInstruction() {
        m.longMode(3);
        c.rflags |= Flags.TF;
        c.modeChanged();
        m.run(0x90, 0x90);
        assertThat(m.vector()).isEqualTo(Exceptions.DB);
        assertThat(m.stack64(0)).isEqualTo(CODE + 1);
        assertThat(c.dr[6] & 1 << 14).isNotZero();
        assertThat(m.stack64(2) & Flags.TF).isNotZero();
        assertThat(c.rflags & Flags.TF).isZero();
    }

    @Test
    void anInstructionBreakpointFaultsBeforeAndRfPassesIt() {
        m.longMode(0);
        c.dr[0] = CODE + 1;
        c.dr[7] |= 1;
        c.modeChanged();
        m.run(0x90, 0x90, 0x0f, 0x0b);
        assertThat(m.vector()).isEqualTo(Exceptions.DB);
        assertThat(m.stack64(0)).isEqualTo(CODE + 1);
        assertThat(c.dr[6] & 15).isEqualTo(1);
        c.rflags |= Flags.RF;
        c.r[Cpu.RIP] = CODE + 1;
        m.run();
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
    }

    @Test
    void iretReturnsBehindAnInstructionBreakpointByRf() {
        m.longMode(0);
        c.dr[0] = CODE + 2;
        c.dr[7] |= 1;
        c.modeChanged();
        long[] frame = {CODE + 2, TestMachine.CODE0_64, Flags.RF | 2, TestMachine.STACK, TestMachine.DATA0};
        for (int n = 0; n < frame.length; n++) m.memory.write64(TestMachine.STACK - 0x100 + 8L * n, frame[n]);
        c.r[Cpu.RSP] = TestMachine.STACK - 0x100;
        m.run(0x48, 0xcf, 0x90, 0x0f, 0x0b); // iretq; nop; ud2
        assertThat(m.vector()).isEqualTo(Exceptions.UD);
        assertThat(m.stack64(0)).isEqualTo(CODE + 3);
    }

    @Test
    void aDataBreakpointTrapsAfterTheAccess() {
        m.longMode(0);
        c.dr[1] = 0x50000;
        c.dr[7] |= 1 << 2 | 0b1101 << 20; // 4 bytes, writes
        c.modeChanged();
        c.r[Cpu.RBX] = 0x50002;
        m.run(0x88, 0x03, 0x90);
        assertThat(m.vector()).isEqualTo(Exceptions.DB);
        assertThat(m.stack64(0)).isEqualTo(CODE + 2);
        assertThat(c.dr[6] & 15).isEqualTo(2);
    }

    @Test
    void boundRaisesItsException() {
        m.protectedMode(0);
        m.memory.write32(0x50000, 5);
        m.memory.write32(0x50004, 7);
        c.r[Cpu.RBX] = 0x50000;
        c.r[Cpu.RAX] = 7;
        m.run(0x62, 0x03);
        assertThat(m.vector()).isEqualTo(-1);
        c.r[Cpu.RAX] = 8;
        m.run(0x62, 0x03);
        assertThat(m.vector()).isEqualTo(Exceptions.BR);
    }
}
