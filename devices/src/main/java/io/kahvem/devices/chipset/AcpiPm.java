package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;
import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;

/// The ACPI fixed hardware: PM1a event and control blocks, power-management timer, one general-purpose event block; ACPI 6.4, 4.8.3.
///
/// The machine is always in ACPI mode (SCI_EN reads as set, there is no SMI command port).
///
/// Lock: this object's monitor; SCI is driven under it, `powerOff` is called outside it.
public final class AcpiPm implements IoDevice, Device {
    /// Ports, counted from the block's first.
    public static final int WINDOW_PORTS = 0x80;
    public static final int PM1A_EVT = 0x00;
    public static final int PM1A_CNT = 0x04;
    public static final int PM_TMR = 0x08;
    public static final int GPE0 = 0x20;
    public static final int GPE0_BYTES = 4;
    /// What the DSDT's \_S5 package says to write to SLP_TYP. OVMF does not ask the package: it writes what QEMU's boards have, which is 0.
    public static final int SLP_TYP_S5 = 0;

    private static final int PM1_STS = PM1A_EVT;
    private static final int PM1_EN = PM1A_EVT + 2;
    private static final int GPE0_STS = GPE0;
    private static final int GPE0_EN = GPE0 + GPE0_BYTES / 2;

    private static final int SMI_EN = 0x30;
    /// There is no SMM: firmware that finds this bit set takes SMM for set up and leaves it alone.
    private static final int APMC_EN = 1 << 5;

    private static final int TMR_STS = 1;
    private static final int PWRBTN_STS = 1 << 8;
    private static final int EN_WRITABLE = 1 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 10;
    private static final int SCI_EN = 1;
    private static final int SLP_TYP_SHIFT = 10;
    private static final int SLP_EN = 1 << 13;
    private static final int CNT_KEPT = 1 << 1 | 7 << SLP_TYP_SHIFT;

    private static final TickRate RATE = new TickRate(3_579_545);
    /// TMR_STS is set whenever the timer's top bit (bit 31 here; the FADT says TMR_VAL_EXT) changes.
    private static final int TOP_BIT_SHIFT = 31;

    private final Clock clock;
    private final InterruptLine sci;
    private final Runnable powerOff;
    private final DeviceTimer timer;
    private int pm1Status;
    private int pm1Enable;
    private int pm1Control;
    private int gpeStatus;
    private int gpeEnable;
    private long originNanos;
    /// How often the top bit had changed when the status was last brought up to date.
    private long seenChanges;
    private boolean sciLevel;

    public AcpiPm(EventLoop loop, InterruptLine sci, Runnable powerOff) {
        this.clock = loop.clock();
        this.sci = sci;
        this.powerOff = powerOff;
        this.timer = new DeviceTimer(loop, this, this::update);
        this.originNanos = clock.nanoTime();
    }

    /// The fixed power button was pressed: the guest's driver is told by SCI.
    public synchronized void pressPowerButton() {
        pm1Status |= PWRBTN_STS;
        update();
    }

    /// Raises general-purpose event 0 to 15.
    public synchronized void raiseGpe(int event) {
        gpeStatus |= 1 << event;
        update();
    }

    @Override
    public synchronized long read(long offset, int size) {
        update();
        long timerValue = ticks() & 0xffff_ffffL;
        long value = 0;
        for (int i = 0; i < size; i++) value |= (long) readByte((int) offset + i, timerValue) << (8 * i);
        return value;
    }

    @Override
    public void write(long offset, int size, long value) {
        boolean off = false;
        synchronized (this) {
            update();
            for (int i = 0; i < size; i++) off |= writeByte((int) offset + i, (int) (value >> (8 * i)) & 0xff);
            update();
        }
        if (off) powerOff.run();
    }

    @Override
    public synchronized void reset() {
        pm1Status = 0;
        pm1Enable = 0;
        pm1Control = 0;
        gpeStatus = 0;
        gpeEnable = 0;
        originNanos = clock.nanoTime();
        seenChanges = 0;
        update();
    }

    private int readByte(int port, long timerValue) {
        int register = switch (port & ~1) {
            case PM1_STS -> pm1Status;
            case PM1_EN -> pm1Enable;
            case PM1A_CNT -> pm1Control | SCI_EN;
            case PM_TMR -> (int) timerValue & 0xffff;
            case PM_TMR + 2 -> (int) (timerValue >> 16) & 0xffff;
            case GPE0_STS -> gpeStatus;
            case GPE0_EN -> gpeEnable;
            case SMI_EN -> APMC_EN;
            default -> 0;
        };
        return register >> ((port & 1) * 8) & 0xff;
    }

    /// True if the write asks for S5.
    private boolean writeByte(int port, int value) {
        int shift = (port & 1) * 8;
        int bits = value << shift;
        int others = ~(0xff << shift);
        switch (port & ~1) {
            case PM1_STS -> pm1Status &= ~bits; // write one to clear
            case PM1_EN -> pm1Enable = (pm1Enable & others | bits) & EN_WRITABLE;
            case PM1A_CNT -> {
                pm1Control = (pm1Control & others | bits) & CNT_KEPT;
                return (bits & SLP_EN) != 0 && pm1Control >> SLP_TYP_SHIFT == SLP_TYP_S5;
            }
            case GPE0_STS -> gpeStatus &= ~bits;
            case GPE0_EN -> gpeEnable = gpeEnable & others | bits;
            default -> {}
        }
        return false;
    }

    private void update() {
        long changes = ticks() >> TOP_BIT_SHIFT;
        if (changes != seenChanges) pm1Status |= TMR_STS;
        seenChanges = changes;
        boolean level = (pm1Status & pm1Enable) != 0 || (gpeStatus & gpeEnable) != 0;
        if (level != sciLevel) {
            sciLevel = level;
            sci.set(level);
        }
        if ((pm1Enable & ~pm1Status & TMR_STS) != 0) {
            timer.arm(originNanos + RATE.nanos((changes + 1) << TOP_BIT_SHIFT));
        } else {
            timer.disarm();
        }
    }

    private long ticks() {
        return RATE.ticks(clock.nanoTime() - originNanos);
    }
}
