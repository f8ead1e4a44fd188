package io.kahvem.jvm.cpu;

/// Model-specific registers with storage of their own (SDM Vol. 4). EFER, the segment bases, the TSC and the APIC's live with what they control.
public final class Msrs {
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
    public long pat = 0x0007_0406_0007_0406L;
    public long miscEnable = 1;
    public long mtrrDefType;
    public final long[] mtrrFixed = new long[11];
    public final long[] mtrrVariable = new long[16];
    public long specCtrl;
}
