package io.kahvem.apic;

/// Delivery modes of interrupt messages (SDM Vol. 3A, 12.5.1 and 12.6.1).
public final class Delivery {
    public static final int FIXED = 0;
    public static final int LOWEST_PRIORITY = 1;
    public static final int SMI = 2;
    public static final int NMI = 4;
    public static final int INIT = 5;
    public static final int STARTUP = 6;
    public static final int EXT_INT = 7;

    private Delivery() {}
}
