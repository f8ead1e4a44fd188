package io.kahvem.jvm.hostcpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// The harness itself.
class HostCpuTest {
    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux");
    }

    @Test
    void runsAnInstructionOnRegistersFlagsAndMemory() {
        try (HostCpu host = HostCpu.open().orElseThrow()) {
            State in = new State();
            in.gpr[0] = 0xffff_ffffL;
            in.gpr[15] = host.data();
            in.data(16, 1);
            in.xmm(3, 7, 9);
            // ADD EAX, [R15 + 16]; MOVUPS [R15], XMM3
            State out = host.run(in, bytes(0x41, 0x03, 0x47, 0x10, 0x41, 0x0f, 0x11, 0x1f));
            assertEquals(State.COMPLETED, out.vector);
            assertEquals(0, out.gpr[0]);
            assertEquals(0x55, out.rflags & State.FLAGS);
            assertEquals(7, out.data(0));
            assertEquals(9, out.data(8));
            in.data(0, 7);
            in.data(8, 9);
            in.gpr[0] = 0;
            assertEquals("", out.differences(in, State.FLAGS));
        }
    }

    @Test
    void runsFromARoundingModeAndReportsStickyFlags() {
        try (HostCpu host = HostCpu.open().orElseThrow()) {
            State in = new State();
            in.mxcsr(0x1f80 | 2 << 13);
            in.xmm(0, Double.doubleToLongBits(1), 0);
            in.xmm(1, Double.doubleToLongBits(3), 0);
            State out = host.run(in, bytes(0xf2, 0x0f, 0x5e, 0xc1)); // DIVSD XMM0, XMM1
            assertEquals(Math.nextUp(1.0 / 3), Double.longBitsToDouble(out.xmm(0, 0)));
            assertEquals(0x20, out.mxcsr() & 0x3f);
        }
    }

    @Test
    void reportsExceptionsOfTheChildWithItsState() {
        try (HostCpu host = HostCpu.openChild().orElseThrow()) {
            State in = new State();
            in.gpr[3] = 5;
            State undefined = host.run(in, bytes(0x0f, 0x0b)); // UD2
            assertEquals(6, undefined.vector);
            assertEquals(5, undefined.gpr[3]);
            State divided = host.run(in, bytes(0x90, 0xf7, 0xf1)); // NOP; DIV ECX by 0
            assertEquals(0, divided.vector);
            assertEquals(1, divided.faultOffset);
            in.gpr[1] = host.base() + HostCpu.GUARD - 8;
            State paged = host.run(in, bytes(0x0f, 0x10, 0x01)); // MOVUPS XMM0, [RCX] across the border
            assertEquals(14, paged.vector);
            assertEquals(4, paged.error);
            assertEquals(host.base() + HostCpu.GUARD, paged.cr2);
            State fine = host.run(in, bytes(0xf3, 0x0f, 0x7e, 0x01)); // MOVQ XMM0, [RCX]
            assertEquals(State.COMPLETED, fine.vector);
        }
    }

    @Test
    void outlivesAChild() {
        try (HostCpu host = HostCpu.openChild().orElseThrow()) {
            State in = new State();
            State gone = host.run(in, bytes(0x31, 0xc0, 0xff, 0xe0)); // JMP to address 0
            assertEquals(State.DIED, gone.vector);
            assertEquals(State.COMPLETED, host.run(in, bytes(0x90)).vector);
        }
    }

    private static byte[] bytes(int... values) {
        byte[] b = new byte[values.length];
        for (int i = 0; i < b.length; i++) b[i] = (byte) values[i];
        return b;
    }
}
