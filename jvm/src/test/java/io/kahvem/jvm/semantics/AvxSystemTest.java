package io.kahvem.jvm.semantics;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.CpuStates;
import io.kahvem.jvm.cpu.Exceptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What the operating system has to do with AVX: consent, state components, CPUID.
class AvxSystemTest {
    /// VPXOR YMM0, YMM1, YMM2.
    private static final int[] VPXOR = {0xc5, 0xf5, 0xef, 0xc2};

    private final TestMachine m = new TestMachine();
    private final Cpu c = m.c;

    @AfterEach
    void close() {
        m.close();
    }

    private void consent(long xcr0) {
        c.cr4 |= ControlBits.CR4_OSFXSR | ControlBits.CR4_OSXSAVE;
        c.xcr0 = xcr0;
        c.modeChanged();
    }

    private int raised(int... code) {
        c.faultVector = -1;
        m.run(code);
        return c.faultVector;
    }

    @Test
    void vexVectorInstructionsNeedOsxsaveAndBothStateComponents() {
        m.longMode(0);
        assertThat(raised(VPXOR)).isEqualTo(Exceptions.UD);
        for (long xcr0 : new long[] {1, 3}) {
            m.longMode(0);
            consent(xcr0);
            assertThat(raised(VPXOR)).isEqualTo(Exceptions.UD);
        }
        m.longMode(0);
        consent(7);
        assertThat(raised(VPXOR)).isEqualTo(-1);
        c.cr4 &= ~ControlBits.CR4_OSXSAVE;
        c.modeChanged();
        m.longMode(0);
        assertThat(raised(VPXOR)).isEqualTo(Exceptions.UD);
    }

    @Test
    void theyMeetTaskSwitchedButNotEmulation() {
        m.longMode(0);
        consent(7);
        c.cr0 |= ControlBits.CR0_TS;
        c.modeChanged();
        assertThat(raised(VPXOR)).isEqualTo(Exceptions.NM);
    }

    @Test
    void theyAreUndefinedInRealModeAndRunInProtectedMode() {
        m.real();
        consent(7);
        assertThat(raised(VPXOR)).isEqualTo(Exceptions.UD);
        m.protectedMode(0);
        consent(7);
        assertThat(raised(VPXOR)).isEqualTo(-1);
    }

    @Test
    void ldsIsStillThereInLegacyCode() {
        m.protectedMode(0);
        consent(7);
        c.r[Cpu.RBX] = 0x50000;
        m.memory.write64(0x50000, 0x1234_5678L | (long) TestMachine.DATA0 << 32);
        assertThat(raised(0xc5, 0x03)).isEqualTo(-1);
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x1234_5678L);
    }

    @Test
    void sseLeavesUpperHalvesAndVexClearsThem() {
        m.longMode(0);
        consent(7);
        c.xmm[Cpu.YMM] = 5;
        c.xmm[Cpu.YMM + 1] = 6;
        m.run(0x66, 0x0f, 0xef, 0xc2); // PXOR XMM0, XMM2
        assertThat(c.xmm[Cpu.YMM]).isEqualTo(5);
        assertThat(c.xmm[Cpu.YMM + 1]).isEqualTo(6);
        m.run(0xc5, 0xf9, 0xef, 0xc2); // VPXOR XMM0, XMM0, XMM2
        assertThat(c.xmm[Cpu.YMM]).isZero();
        assertThat(c.xmm[Cpu.YMM + 1]).isZero();
    }

    @Test
    void vzeroupperReachesOnlyTheRegistersOfItsCode() {
        m.protectedMode(0);
        consent(7);
        java.util.Arrays.fill(c.xmm, 9);
        m.run(0xc5, 0xf8, 0x77);
        assertThat(c.xmm[Cpu.YMM + 2 * 7 + 1]).isZero();
        assertThat(c.xmm[Cpu.YMM + 2 * 8]).isEqualTo(9);
        assertThat(c.xmm[0]).isEqualTo(9);
        m.longMode(0);
        consent(7);
        m.run(0xc5, 0xfc, 0x77); // VZEROALL
        assertThat(c.xmm).containsOnly(0);
    }

    @Test
    void xsetbvRefusesAvxWithoutSse() {
        m.longMode(0);
        consent(1);
        c.r[Cpu.RAX] = 7;
        assertThat(raised(0x0f, 0x01, 0xd1)).isEqualTo(-1);
        assertThat(c.xcr0).isEqualTo(7);
        assertThat(raised(VPXOR)).isEqualTo(-1);
        for (int wrong : new int[] {5, 15, 6, 0x17}) {
            c.r[Cpu.RAX] = wrong;
            assertThat(raised(0x0f, 0x01, 0xd1)).isEqualTo(Exceptions.GP);
            m.longMode(0);
            consent(7);
        }
        assertThat(c.xcr0).isEqualTo(7);
    }

    @Test
    void xgetbvTellsWhichComponentsAreInUse() {
        m.longMode(0);
        consent(7);
        c.xmm[Cpu.YMM + 3] = 1;
        c.r[Cpu.RCX] = 1;
        m.run(0x0f, 0x01, 0xd0);
        assertThat(c.r[Cpu.RAX] & 6).isEqualTo(4);
        c.r[Cpu.RCX] = 2;
        assertThat(raised(0x0f, 0x01, 0xd0)).isEqualTo(Exceptions.GP);
    }

    @Test
    void xsaveKeepsUpperHalvesAfterTheHeaderAndXrstorBringsThemBack() {
        m.longMode(0);
        consent(7);
        for (int n = 0; n < 64; n++) c.xmm[n] = 1000 + n;
        c.r[Cpu.RAX] = 7;
        c.r[Cpu.RBX] = 0x50000;
        m.run(0x48, 0x0f, 0xae, 0x23); // XSAVE64 [RBX]
        assertThat(m.memory.read64(0x50000 + 512)).isEqualTo(7);
        for (int n = 0; n < 32; n++) assertThat(m.memory.read64(0x50000 + 576 + 8 * n)).isEqualTo(1032 + n);
        java.util.Arrays.fill(c.xmm, 0);
        m.run(0x48, 0x0f, 0xae, 0x2b); // XRSTOR64 [RBX]
        for (int n = 0; n < 64; n++) assertThat(c.xmm[n]).isEqualTo(1000 + n);
    }

    @Test
    void xrstorRefusesHeadersThatTheManualRefuses() {
        long[][] headers = {{8, 0, 0}, {1, 1, 0}, {7, 1L << 63 | 3, 0}, {1, 1L << 63 | 8, 0}, {1, 0, 1}, {1, 1L << 63 | 1, 1}};
        for (long[] header : headers) {
            m.longMode(0);
            consent(7);
            for (int n = 0; n < 3; n++) m.memory.write64(0x50000 + 512 + 8 * n, header[n]);
            c.r[Cpu.RAX] = 7;
            c.r[Cpu.RBX] = 0x50000;
            assertThat(raised(0x48, 0x0f, 0xae, 0x2b)).as("%x %x %x", header[0], header[1], header[2]).isEqualTo(Exceptions.GP);
        }
    }

    @Test
    void cpuidListsWhatX8664V3Wants() {
        m.longMode(0);
        consent(7);
        cpuid(1, 0);
        int wanted1 = 1 << 12 | 1 << 22 | 1 << 27 | 1 << 28 | 1 << 29; // FMA, MOVBE, OSXSAVE, AVX, F16C
        assertThat(c.r[Cpu.RCX] & wanted1).isEqualTo(wanted1);
        cpuid(7, 0);
        int wanted7 = 1 << 3 | 1 << 5 | 1 << 8; // BMI1, AVX2, BMI2
        assertThat(c.r[Cpu.RBX] & wanted7).isEqualTo(wanted7);
        cpuid(0x8000_0001, 0);
        assertThat(c.r[Cpu.RCX] & 1 << 5).isNotZero(); // LZCNT
        cpuid(0xd, 0);
        assertThat(c.r[Cpu.RAX]).isEqualTo(7);
        assertThat(c.r[Cpu.RBX]).isEqualTo(832);
        assertThat(c.r[Cpu.RCX]).isEqualTo(832);
        cpuid(0xd, 2);
        assertThat(c.r[Cpu.RAX]).isEqualTo(256);
        assertThat(c.r[Cpu.RBX]).isEqualTo(576);
        c.xcr0 = 3;
        cpuid(0xd, 0);
        assertThat(c.r[Cpu.RBX]).isEqualTo(576);
    }

    private void cpuid(int leaf, int subleaf) {
        c.r[Cpu.RAX] = leaf & 0xffff_ffffL;
        c.r[Cpu.RCX] = subleaf;
        m.run(0x0f, 0xa2);
    }

    @Test
    void theEngineNeutralStateCarriesUpperHalves() {
        m.longMode(0);
        consent(7);
        for (int n = 0; n < 64; n++) c.xmm[n] = 77 + n;
        CpuState state = CpuStates.get(c);
        assertThat(state.xsave).hasSize(832);
        java.util.Arrays.fill(c.xmm, 0);
        CpuStates.set(c, state);
        for (int n = 0; n < 64; n++) assertThat(c.xmm[n]).isEqualTo(77 + n);
        assertThat(c.avxTrap).isZero();
    }
}
