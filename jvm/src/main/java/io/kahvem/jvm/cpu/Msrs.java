package io.kahvem.jvm.cpu;

import java.util.Arrays;

/// Model-specific registers with storage of their own (SDM Vol. 4). EFER, the segment bases, the TSC and the APIC's live with what they
/// control.
public final class Msrs {
    private static final long PAT_RESET = 0x0007_0406_0007_0406L;

    /// Fast strings; no branch trace and no precise event-based sampling.
    private static final long MISC_ENABLE_RESET = 1 | 1 << 11 | 1 << 12;

    public long star;
    public long lstar;
    public long cstar;
    public long fmask;
    public long kernelGsBase;
    public long tscAux;
    public long sysenterCs;
    public long sysenterEsp;
    public long sysenterEip;

    /// TSC minus the machine's clock in TSC ticks; IA32_TSC_ADJUST moves it too.
    public long tscOffset;

    public long tscAdjust;
    public long pat = PAT_RESET;
    public long miscEnable = MISC_ENABLE_RESET;
    public long mtrrDefType;
    public final long[] mtrrFixed = new long[11];
    public final long[] mtrrVariable = new long[16];
    public long specCtrl;

    /// The state after a processor reset. (The TSC goes on with the machine's clock, so that all CPUs agree.)
    public void reset() {
        star = 0;
        lstar = 0;
        cstar = 0;
        fmask = 0;
        kernelGsBase = 0;
        tscAux = 0;
        sysenterCs = 0;
        sysenterEsp = 0;
        sysenterEip = 0;
        tscOffset = 0;
        tscAdjust = 0;
        pat = PAT_RESET;
        miscEnable = MISC_ENABLE_RESET;
        mtrrDefType = 0;
        Arrays.fill(mtrrFixed, 0);
        Arrays.fill(mtrrVariable, 0);
        specCtrl = 0;
    }
}
