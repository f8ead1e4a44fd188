package io.kahvem.apic;

import io.kahvem.host.Clock;
import java.util.Arrays;

/// A local APIC in xAPIC and x2APIC mode (SDM Vol. 3A, chapter 12; offsets are those of Table 12-1).
///
/// Registers, [#pendingVector], [#acknowledge] and [#takeEvents] belong to the vCPU's own thread; [#accept], [#setIntr] and [#pulseLint1]
/// come on any.
/// One lock guards all state; nothing is called while it is held, so that it is the last in every lock order.
public final class LocalApic {
    /// What [#pendingVector] gives for an interrupt whose vector the 8259 pair holds (an interrupt-acknowledge cycle fetches it).
    public static final int EXT_INT = 256;

    public static final int NO_VECTOR = -1;

    /// Bits of [#takeEvents].
    public static final int EVENT_NMI = 1;

    public static final int EVENT_INIT = 2;
    public static final int EVENT_STARTUP = 4;

    public static final long BASE_BSP = 1 << 8;
    public static final long BASE_X2APIC = 1 << 10;
    public static final long BASE_ENABLE = 1 << 11;
    private static final long DEFAULT_BASE = 0xfee0_0000L;
    private static final long BASE_ADDRESS = 0xff_ffff_f000L;

    private static final int ID = 0x20;
    private static final int VERSION = 0x30;
    private static final int TPR = 0x80;
    private static final int APR = 0x90;
    private static final int PPR = 0xa0;
    private static final int EOI = 0xb0;
    private static final int RRD = 0xc0;
    private static final int LDR = 0xd0;
    private static final int DFR = 0xe0;
    private static final int SVR = 0xf0;
    private static final int ISR = 0x100;
    private static final int TMR = 0x180;
    private static final int IRR = 0x200;
    private static final int ESR = 0x280;
    private static final int ICR_LOW = 0x300;
    private static final int ICR_HIGH = 0x310;
    private static final int LVT_TIMER = 0x320;
    private static final int LVT_THERMAL = 0x330;
    private static final int LVT_PERFORMANCE = 0x340;
    private static final int LVT_LINT0 = 0x350;
    private static final int LVT_LINT1 = 0x360;
    private static final int LVT_ERROR = 0x370;
    private static final int TIMER_INITIAL = 0x380;
    private static final int TIMER_CURRENT = 0x390;
    private static final int TIMER_DIVIDE = 0x3e0;
    private static final int SELF_IPI = 0x3f0;

    /// Six LVT entries, an integrated APIC.
    private static final int VERSION_VALUE = 0x0005_0014;

    private static final int SVR_ENABLED = 1 << 8;
    private static final int MASKED = 1 << 16;
    private static final int TIMER_PERIODIC = 1 << 17;
    private static final int TIMER_DEADLINE = 1 << 18;

    private static final int ESR_SEND_ILLEGAL_VECTOR = 1 << 5;
    private static final int ESR_RECEIVE_ILLEGAL_VECTOR = 1 << 6;
    private static final int ESR_ILLEGAL_REGISTER = 1 << 7;

    private final int apicId;
    private final boolean bootstrap;
    private final ApicBus bus;
    private final TscClock clock;
    private final ApicOwner owner;

    private final Object lock = new Object();
    private final ApicTimer timer = new ApicTimer();
    private final int[] isr = new int[8];
    private final int[] tmr = new int[8];
    private final int[] irr = new int[8];
    private final int[] lvt = new int[6];
    private long base;
    private int id;
    private int tpr;
    private int ldr;
    private int dfr;
    private int svr;
    private int esr;
    private int errors;
    private int icrLow;
    private int icrHigh;
    private long tscDeadline;
    private boolean intr;
    private int events;
    private int startupVector;

    /// The MMIO page's address, or -1 in x2APIC mode and when disabled.
    private long window;

    /// An APIC alone on its bus, in a machine with one CPU.
    public LocalApic() {
        this(0, true, new ApicBus(), new TscClock(Clock.SYSTEM, 1_000_000), () -> {});
    }

    /// Registers itself with `bus`.
    public LocalApic(int apicId, boolean bootstrap, ApicBus bus, TscClock clock, ApicOwner owner) {
        this.apicId = apicId;
        this.bootstrap = bootstrap;
        this.bus = bus;
        this.clock = clock;
        this.owner = owner;
        reset();
        bus.add(this);
    }

    public int apicId() {
        return apicId;
    }

    public boolean bootstrap() {
        return bootstrap;
    }

    /// Power-on reset.
    public void reset() {
        synchronized (lock) {
            base = resetBase();
            events = 0;
            clear();
        }
        owner.timerSet(ApicTimer.NEVER);
    }

    /// IA32_APIC_BASE after a reset.
    public long resetBase() {
        return DEFAULT_BASE | BASE_ENABLE | (bootstrap ? BASE_BSP : 0);
    }

    /// The INIT state (SDM Vol. 3A, 12.4.7.3): as after reset, but IA32_APIC_BASE and the APIC ID stay.
    public void init() {
        synchronized (lock) {
            clear();
        }
        owner.timerSet(ApicTimer.NEVER);
    }

    private void clear() {
        Arrays.fill(isr, 0);
        Arrays.fill(tmr, 0);
        Arrays.fill(irr, 0);
        Arrays.fill(lvt, MASKED);
        // Virtual wire mode, as firmware leaves the bootstrap processor for guests that never touch their APIC.
        if (bootstrap) lvt[index(LVT_LINT0)] = Delivery.EXT_INT << 8;
        id = apicId;
        tpr = 0;
        ldr = 0;
        dfr = -1;
        svr = 0xff;
        esr = 0;
        errors = 0;
        icrLow = 0;
        icrHigh = 0;
        tscDeadline = 0;
        timer.stop();
        timer.setPeriodic(false);
        timer.setDivide(0, 0);
        modeChanged();
    }

    private void modeChanged() {
        boolean xApic = (base & (BASE_ENABLE | BASE_X2APIC)) == BASE_ENABLE;
        window = xApic ? base & BASE_ADDRESS : -1;
        if (x2Apic()) {
            id = apicId;
            ldr = apicId >> 4 << 16 | 1 << (apicId & 15);
        }
    }

    private boolean x2Apic() {
        return (base & BASE_X2APIC) != 0;
    }

    // The window and the MSRs

    /// Whether `gpa` lies in the APIC's memory window.
    public boolean covers(long gpa) {
        return (gpa & -4096) == window;
    }

    public long mmioRead(long gpa, int bytes) {
        int offset = (int) gpa & 0xfff;
        if ((offset & 0xf) >= 4) return 0;
        long value = readRegister(offset & 0xff0) & 0xffff_ffffL;
        return value >>> 8 * (offset & 3);
    }

    public void mmioWrite(long gpa, int bytes, long value) {
        int offset = (int) gpa & 0xfff;
        if ((offset & 0xf) != 0 || bytes < 4) return; // SDM Vol. 3A, 12.4.1: registers are aligned doublewords
        writeRegister(offset, (int) value);
    }

    /// IA32_APIC_BASE.
    public long base() {
        return base;
    }

    /// False where the write is a #GP (SDM Vol. 3A, 12.12.5.1).
    public boolean setBase(long value) {
        synchronized (lock) {
            if ((value & ~(BASE_ADDRESS | BASE_ENABLE | BASE_X2APIC | BASE_BSP)) != 0) return false;
            boolean enable = (value & BASE_ENABLE) != 0;
            boolean extend = (value & BASE_X2APIC) != 0;
            boolean enabled = (base & BASE_ENABLE) != 0;
            if (extend && !enable) return false;
            if (x2Apic() && enable && !extend) return false;
            if (!enabled && extend) return false;
            base = value;
            if (enabled && !enable) clear();
            modeChanged();
        }
        return true;
    }

    /// Whether x2APIC mode has this MSR (800H to 8FFH) for reading, or for writing.
    public boolean hasMsr(int msr, boolean write) {
        if (!x2Apic()) return false;
        int offset = (msr & 0xff) << 4;
        return switch (offset) {
            case ID, VERSION, PPR, LDR, TIMER_CURRENT -> !write;
            case EOI, SELF_IPI -> write;
            case TPR, SVR, ESR, ICR_LOW, TIMER_INITIAL, TIMER_DIVIDE -> true;
            case LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR -> true;
            default -> offset >= ISR && offset < ESR && !write;
        };
    }

    public long readMsr(int msr) {
        int offset = (msr & 0xff) << 4;
        long value = readRegister(offset) & 0xffff_ffffL;
        return offset == ICR_LOW ? value | (long) icrHigh << 32 : value;
    }

    /// False where the value has reserved bits set: a #GP.
    public boolean writeMsr(int msr, long value) {
        int offset = (msr & 0xff) << 4;
        if (offset == ICR_LOW) {
            if ((value & 0xfff3_2000L) != 0) return false;
            icrHigh = (int) (value >>> 32);
        } else {
            if (value >>> 32 != 0) return false;
            boolean zeroOnly = offset == EOI || offset == ESR;
            long reserved = zeroOnly ? -1 : switch (offset) {
                case TPR, SELF_IPI -> ~0xffL;
                case SVR -> ~0x1ffL;
                case TIMER_DIVIDE -> ~0xbL;
                case TIMER_INITIAL -> 0;
                default -> ~(long) writableLvt(offset) & ~(1 << 12);
            };
            if ((value & reserved) != 0) return false;
        }
        writeRegister(offset, (int) value);
        return true;
    }

    private int readRegister(int offset) {
        synchronized (lock) {
            if (offset >= ISR && offset < ESR) {
                int[] bits = offset < TMR ? isr : offset < IRR ? tmr : irr;
                return bits[offset >> 4 & 7];
            }
            return switch (offset) {
                case ID -> x2Apic() ? id : id << 24;
                case VERSION -> VERSION_VALUE;
                case TPR -> tpr;
                case APR, PPR -> priority();
                case EOI, RRD -> 0;
                case LDR -> ldr;
                case DFR -> dfr;
                case SVR -> svr;
                case ESR -> esr;
                case ICR_LOW -> icrLow;
                case ICR_HIGH -> icrHigh;
                case LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR -> lvt[index(offset)];
                case TIMER_INITIAL -> timer.initialCount();
                case TIMER_CURRENT -> deadlineMode() ? 0 : timer.currentCount(clock.nanoTime());
                case TIMER_DIVIDE -> timer.divideConfiguration();
                default -> {
                    illegalRegister();
                    yield 0;
                }
            };
        }
    }

    private void writeRegister(int offset, int value) {
        switch (offset) {
            case TPR -> setTaskPriority(value & 0xff);
            case EOI -> endOfInterrupt();
            case ICR_LOW -> {
                icrLow = value & 0xcdfff & ~(1 << 12);
                sendIpi(icrLow);
            }
            case ICR_HIGH -> icrHigh = value;
            case SELF_IPI -> {
                if (x2Apic()) accept(value & 0xff, Delivery.FIXED, false);
            }
            case TIMER_INITIAL, TIMER_DIVIDE, LVT_TIMER -> {
                long deadline;
                synchronized (lock) {
                    writeTimer(offset, value);
                    deadline = timer.deadlineNanos();
                }
                owner.timerSet(deadline);
            }
            default -> {
                synchronized (lock) {
                    writePlain(offset, value);
                }
                owner.attention();
            }
        }
    }

    private void writePlain(int offset, int value) {
        switch (offset) {
            case ID -> id = value >>> 24;
            case LDR -> ldr = value & 0xff00_0000;
            case DFR -> dfr = value | 0x0fff_ffff;
            case SVR -> {
                svr = value & 0x1ff;
                if (!enabled()) {
                    for (int i = 0; i < lvt.length; i++) lvt[i] |= MASKED;
                }
            }
            case ESR -> {
                esr = errors;
                errors = 0;
            }
            case LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR -> setLvt(offset, value);
            default -> illegalRegister();
        }
    }

    private void writeTimer(int offset, int value) {
        long now = clock.nanoTime();
        switch (offset) {
            case TIMER_INITIAL -> {
                if (!deadlineMode()) timer.start(value, (lvt[0] & TIMER_PERIODIC) != 0, now);
            }
            case TIMER_DIVIDE -> timer.setDivide(value, now);
            default -> {
                boolean wasDeadline = deadlineMode();
                setLvt(offset, value);
                timer.setPeriodic((lvt[0] & TIMER_PERIODIC) != 0);
                if (wasDeadline != deadlineMode()) {
                    timer.stop();
                    tscDeadline = 0;
                }
            }
        }
    }

    private void setLvt(int offset, int value) {
        lvt[index(offset)] = value & writableLvt(offset) | (enabled() ? 0 : MASKED);
    }

    private static int writableLvt(int offset) {
        return switch (offset) {
            case LVT_TIMER -> 0x700ff;
            case LVT_LINT0, LVT_LINT1 -> 0x1a7ff;
            case LVT_ERROR -> 0x100ff;
            default -> 0x107ff;
        };
    }

    private static int index(int lvtOffset) {
        return (lvtOffset - LVT_TIMER) >> 4;
    }

    private boolean enabled() {
        return (svr & SVR_ENABLED) != 0;
    }

    // Sending

    private void sendIpi(int command) {
        int vector = command & 0xff;
        int mode = command >> 8 & 7;
        boolean level = (command & 1 << 15) != 0;
        boolean assertion = (command & 1 << 14) != 0;
        if (mode == Delivery.INIT && level && !assertion) return; // INIT level de-assert: no processor since the Pentium 4 knows it
        if (mode <= Delivery.LOWEST_PRIORITY && vector < 16) {
            synchronized (lock) {
                error(ESR_SEND_ILLEGAL_VECTOR);
            }
            owner.attention();
            return;
        }
        boolean extended = x2Apic();
        int destination = extended ? icrHigh : icrHigh >>> 24;
        switch (command >> 18 & 3) {
            case 0 -> bus.send(destination, destination == (extended ? -1 : 0xff), (command & 1 << 11) != 0, mode, vector, false);
            case 1 -> accept(vector, mode == Delivery.LOWEST_PRIORITY ? Delivery.FIXED : mode, false);
            case 2 -> bus.sendToAll(this, true, mode, vector);
            default -> bus.sendToAll(this, false, mode, vector);
        }
    }

    // Receiving

    /// Whether a destination names this APIC.
    boolean matches(int destination, boolean logical) {
        synchronized (lock) {
            if (!logical) return destination == id;
            if (x2Apic()) return destination >>> 16 == ldr >>> 16 && (destination & ldr & 0xffff) != 0;
            int mine = ldr >>> 24;
            if (dfr >>> 28 == 0xf) return (mine & destination) != 0;
            return mine >> 4 == (destination >> 4 & 0xf) && (mine & destination & 0xf) != 0;
        }
    }

    boolean accepting() {
        synchronized (lock) {
            return enabled() && (base & BASE_ENABLE) != 0;
        }
    }

    int processorPriority() {
        synchronized (lock) {
            return priority();
        }
    }

    /// Takes an interrupt of one of the [Delivery] modes. Any thread.
    public void accept(int vector, int mode, boolean level) {
        synchronized (lock) {
            if ((base & BASE_ENABLE) == 0 && mode != Delivery.INIT && mode != Delivery.STARTUP) return;
            switch (mode) {
                case Delivery.FIXED, Delivery.LOWEST_PRIORITY -> request(vector, level);
                case Delivery.NMI -> events |= EVENT_NMI;
                case Delivery.INIT -> events = events & ~EVENT_STARTUP | EVENT_INIT;
                case Delivery.STARTUP -> {
                    events |= EVENT_STARTUP;
                    startupVector = vector;
                }
                default -> {
                    return; // SMI: there is no SMM; ExtINT arrives by wire
                }
            }
        }
        owner.attention();
    }

    private void request(int vector, boolean level) {
        if (vector < 16) {
            error(ESR_RECEIVE_ILLEGAL_VECTOR);
            return;
        }
        if (!enabled()) return;
        irr[vector >> 5] |= 1 << (vector & 31);
        if (level) {
            tmr[vector >> 5] |= 1 << (vector & 31);
        } else {
            tmr[vector >> 5] &= ~(1 << (vector & 31));
        }
    }

    private void illegalRegister() {
        error(ESR_ILLEGAL_REGISTER);
    }

    private void error(int bit) {
        boolean first = (errors & bit) == 0;
        errors |= bit;
        int entry = lvt[index(LVT_ERROR)];
        if (first && (entry & MASKED) == 0 && (entry & 0xff) >= 16) request(entry & 0xff, false);
    }

    /// The level of INTR at LINT0. Any thread.
    public void setIntr(boolean level) {
        synchronized (lock) {
            boolean rising = level && !intr;
            intr = level;
            if (!rising) return;
            trigger(lvt[index(LVT_LINT0)]);
        }
        owner.attention();
    }

    /// A pulse at LINT1, the NMI input. Any thread.
    public void pulseLint1() {
        synchronized (lock) {
            if ((base & BASE_ENABLE) == 0) {
                events |= EVENT_NMI;
            } else {
                trigger(lvt[index(LVT_LINT1)]);
            }
        }
        owner.attention();
    }

    private void trigger(int entry) {
        if ((entry & MASKED) != 0) return;
        switch (entry >> 8 & 7) {
            case Delivery.FIXED -> request(entry & 0xff, false);
            case Delivery.NMI -> events |= EVENT_NMI;
            default -> {} // ExtINT is a level, looked at in extIntPending
        }
    }

    // The vCPU's side

    /// The vector of the interrupt that would be delivered now, [#EXT_INT] for one from the 8259 pair, or [#NO_VECTOR].
    public int pendingVector() {
        synchronized (lock) {
            if (extIntPending()) return EXT_INT;
            int vector = highest(irr);
            return vector >= 0 && enabled() && vector >> 4 > priority() >> 4 ? vector : NO_VECTOR;
        }
    }

    /// Takes what [#pendingVector] gives: a vector goes from IRR to ISR. For [#EXT_INT] the caller runs the acknowledge cycle.
    public int acknowledge() {
        synchronized (lock) {
            int vector = pendingVector();
            if (vector >= 0 && vector != EXT_INT) {
                int bit = 1 << (vector & 31);
                irr[vector >> 5] &= ~bit;
                isr[vector >> 5] |= bit;
            }
            return vector;
        }
    }

    /// Which of NMI, INIT and SIPI have arrived since the last call: `EVENT_…` bits.
    /// INIT comes before a SIPI; a SIPI means something only to a CPU that waits for it.
    public int takeEvents() {
        synchronized (lock) {
            int taken = events;
            events = 0;
            return taken;
        }
    }

    /// Puts back what could not be delivered yet (an NMI while NMIs are blocked).
    public void keepEvents(int bits) {
        synchronized (lock) {
            events |= bits;
        }
    }

    /// Asks for attention again where events wait: what held them back is gone.
    public void renotify() {
        if (events() != 0) owner.attention();
    }

    /// Which events wait, without taking them.
    public int events() {
        synchronized (lock) {
            return events;
        }
    }

    /// The start-up IPI's vector: the real-mode page to start at.
    public int startupVector() {
        synchronized (lock) {
            return startupVector;
        }
    }

    /// CR8: the upper half of the task priority.
    public int cr8() {
        return tpr >> 4;
    }

    public void setCr8(int value) {
        setTaskPriority(value << 4);
    }

    private void setTaskPriority(int value) {
        synchronized (lock) {
            tpr = value;
        }
        owner.attention();
    }

    private void endOfInterrupt() {
        int vector;
        boolean level;
        boolean more;
        synchronized (lock) {
            vector = highest(isr);
            if (vector < 0) return;
            int bit = 1 << (vector & 31);
            isr[vector >> 5] &= ~bit;
            level = (tmr[vector >> 5] & bit) != 0;
            more = highest(irr) >= 0;
        }
        if (level) owner.endOfInterrupt(vector);
        if (more || intr) owner.attention();
    }

    private boolean extIntPending() {
        if (!intr) return false;
        if ((base & BASE_ENABLE) == 0) return true;
        return (lvt[index(LVT_LINT0)] & (MASKED | 0x700)) == Delivery.EXT_INT << 8;
    }

    /// SDM Vol. 3A, 12.8.3.1.
    private int priority() {
        int inService = Math.max(highest(isr), 0) & 0xf0;
        return tpr >> 4 >= inService >> 4 ? tpr : inService;
    }

    private static int highest(int[] bits) {
        for (int i = 7; i >= 0; i--) {
            if (bits[i] != 0) return i * 32 + 31 - Integer.numberOfLeadingZeros(bits[i]);
        }
        return -1;
    }

    // The timer

    private boolean deadlineMode() {
        return (lvt[0] & TIMER_DEADLINE) != 0;
    }

    /// When [#tick] has something to do, on the machine's clock; [Long#MAX_VALUE] for never.
    public long nextDeadlineNanos() {
        synchronized (lock) {
            return timer.deadlineNanos();
        }
    }

    /// Requests the timer's interrupt if it is due. Any thread.
    public void tick(long nowNanos) {
        long deadline;
        synchronized (lock) {
            if (!timer.expired(nowNanos)) return;
            if (deadlineMode()) tscDeadline = 0;
            if ((lvt[0] & MASKED) == 0) request(lvt[0] & 0xff, false);
            deadline = timer.deadlineNanos();
        }
        if (deadline != ApicTimer.NEVER) owner.timerSet(deadline);
        owner.attention();
    }

    /// IA32_TSC_DEADLINE.
    public long tscDeadline() {
        synchronized (lock) {
            return tscDeadline;
        }
    }

    /// Arms the timer for when the guest's counter, `tscOffset` ahead of the machine's, reaches `value`; 0 disarms it. Dropped outside
    /// deadline mode.
    public void setTscDeadline(long value, long tscOffset) {
        long deadline;
        synchronized (lock) {
            if (!deadlineMode()) return;
            tscDeadline = value;
            deadline = value <= 0 ? ApicTimer.NEVER : clock.nanosAt(value - tscOffset); // above 2^63: centuries away
            timer.startAt(deadline);
        }
        owner.timerSet(deadline);
    }

    /// The guest moved its counter: the deadline stays where it is on the counter.
    public void tscOffsetChanged(long tscOffset) {
        long value = tscDeadline();
        if (value != 0) setTscDeadline(value, tscOffset);
    }

    // Save and restore

    /// The register page as a guest would read it in xAPIC mode (CpuState.apicPage).
    public byte[] save() {
        byte[] page = new byte[4096];
        synchronized (lock) {
            for (int offset = ID; offset <= TIMER_DIVIDE; offset += 16) {
                boolean register = offset >= ISR && offset < ESR || switch (offset) {
                    case ID, VERSION, TPR, PPR, LDR, DFR, SVR, ESR, ICR_LOW, ICR_HIGH, TIMER_INITIAL, TIMER_CURRENT, TIMER_DIVIDE -> true;
                    default -> offset >= LVT_TIMER && offset <= LVT_ERROR;
                };
                if (!register) continue;
                int value = readRegister(offset);
                for (int i = 0; i < 4; i++) page[offset + i] = (byte) (value >> 8 * i);
            }
        }
        return page;
    }

    /// Restores what [#save] gave; an empty page is the reset state. IA32_APIC_BASE and IA32_TSC_DEADLINE are set apart, the first before,
    /// the second after. No event waits then.
    public void restore(byte[] page) {
        synchronized (lock) {
            events = 0;
            clear();
            if (page.length != 0) {
                if (!x2Apic()) id = word(page, ID) >>> 24;
                tpr = word(page, TPR) & 0xff;
                if (!x2Apic()) ldr = word(page, LDR);
                dfr = word(page, DFR);
                svr = word(page, SVR) & 0x1ff;
                esr = word(page, ESR);
                icrLow = word(page, ICR_LOW);
                icrHigh = word(page, ICR_HIGH);
                for (int i = 0; i < lvt.length; i++) lvt[i] = word(page, LVT_TIMER + 16 * i) & writableLvt(LVT_TIMER + 16 * i);
                for (int i = 0; i < 8; i++) {
                    isr[i] = word(page, ISR + 16 * i);
                    tmr[i] = word(page, TMR + 16 * i);
                    irr[i] = word(page, IRR + 16 * i);
                }
                long now = clock.nanoTime();
                timer.setDivide(word(page, TIMER_DIVIDE), now);
                if (!deadlineMode()) {
                    timer.resume(word(page, TIMER_INITIAL), word(page, TIMER_CURRENT), (lvt[0] & TIMER_PERIODIC) != 0, now);
                }
            }
        }
        owner.timerSet(nextDeadlineNanos());
        owner.attention();
    }

    /// Sets IA32_APIC_BASE without the rules of a guest's write.
    public void restoreBase(long value) {
        synchronized (lock) {
            base = value;
            modeChanged();
        }
    }

    private static int word(byte[] page, int offset) {
        return page[offset] & 0xff | (page[offset + 1] & 0xff) << 8 | (page[offset + 2] & 0xff) << 16 | page[offset + 3] << 24;
    }
}
