package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;
import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;
import java.util.function.IntFunction;

/// High precision event timers (IA-PC HPET 1.0a, 2.3): a 64-bit counter of 100 MHz and three comparators, all periodic if asked. Without
/// interrupts by message.
///
/// Lock: this object's monitor; interrupt lines are driven under it.
public final class Hpet implements IoDevice, Device {
    public static final long BASE = 0xfed0_0000L;
    public static final int WINDOW_BYTES = 0x400;
    /// The low half of GCAP_ID: revision 1, three timers, 64 bits, legacy replacement.
    public static final long CAPABILITIES = 0x8086_a201L;
    /// The least number of ticks that a period can be kept at.
    public static final int MIN_TICK = 100;

    private static final int TIMERS = 3;
    private static final int NANOS_PER_TICK = 10;
    private static final long PERIOD_FEMTOSECONDS = NANOS_PER_TICK * 1_000_000L;

    private static final int GCAP_ID = 0x000;
    private static final int GEN_CONF = 0x010;
    private static final int GINTR_STA = 0x020;
    private static final int MAIN_CNT = 0x0f0;
    private static final int TIMER_0 = 0x100;
    private static final int TIMER_BYTES = 0x20;
    private static final int CONFIG = 0x00;
    private static final int COMPARATOR = 0x08;

    private static final int ENABLE_CNF = 1;
    private static final int LEG_RT_CNF = 2;

    private static final int INT_TYPE_LEVEL = 1 << 1;
    private static final int INT_ENB = 1 << 2;
    private static final int TYPE_PERIODIC = 1 << 3;
    private static final int PER_INT_CAP = 1 << 4;
    private static final int SIZE_CAP = 1 << 5;
    private static final int VAL_SET = 1 << 6;
    private static final int MODE_32 = 1 << 8;
    private static final int INT_ROUTE_SHIFT = 9;
    private static final int CONFIG_WRITABLE = INT_TYPE_LEVEL | INT_ENB | TYPE_PERIODIC | VAL_SET | MODE_32 | 0x1f << INT_ROUTE_SHIFT;
    /// Inputs of the I/O APIC that a timer can be routed to: 2, 8 and 16 to 23.
    private static final long ROUTES = 0x00ff_0104L;
    private static final int RTC_IRQ = 8;

    private final Clock clock;
    private final IntFunction<InterruptLine> inputs;
    private final InterruptLine irq0;
    private final InterruptLine irq8;
    private final Timer[] timers = new Timer[TIMERS];
    private long config;
    private long status;
    /// The counter when it last started or stopped, and when that was.
    private long countedTicks;
    private long countedAtNanos;
    private boolean pitLevel;
    private boolean rtcLevel;

    /// @param inputs the line of one of the I/O APIC's inputs, by its number
    /// @param irq0 ISA request 0, which the PIT has by way of [#pitLine]
    /// @param irq8 ISA request 8, which the RTC has by way of [#rtcLine]
    public Hpet(EventLoop loop, IntFunction<InterruptLine> inputs, InterruptLine irq0, InterruptLine irq8) {
        this.clock = loop.clock();
        this.inputs = inputs;
        this.irq0 = irq0;
        this.irq8 = irq8;
        for (int i = 0; i < TIMERS; i++) timers[i] = new Timer(i, loop);
        reset();
    }

    /// The PIT's output, which is cut off while timer 0 has its request (LEG_RT_CNF).
    public InterruptLine pitLine() {
        return level -> {
            synchronized (this) {
                pitLevel = level;
                if (!replaces()) irq0.set(level);
            }
        };
    }

    /// The same for the RTC and timer 1.
    public InterruptLine rtcLine() {
        return level -> {
            synchronized (this) {
                rtcLevel = level;
                if (!replaces()) irq8.set(level);
            }
        };
    }

    @Override
    public synchronized long read(long offset, int size) {
        long register = readRegister((int) offset & ~7);
        return register >>> 8 * (offset & 7);
    }

    @Override
    public synchronized void write(long offset, int size, long value) {
        if (size < 4 || (offset & 3) != 0) return; // 2.3.1: accesses are of 32 or 64 bits
        boolean half = size == 4;
        int shift = half ? 8 * ((int) offset & 4) : 0;
        long mask = half ? 0xffff_ffffL << shift : -1;
        writeRegister((int) offset & ~7, value << shift, mask);
    }

    @Override
    public synchronized void reset() {
        setConfig(0);
        countedTicks = 0;
        status = 0;
        for (Timer timer : timers) timer.reset();
    }

    private long readRegister(int register) {
        if (register >= TIMER_0) {
            int n = (register - TIMER_0) / TIMER_BYTES;
            return n < TIMERS ? timers[n].read(register % TIMER_BYTES) : 0;
        }
        return switch (register) {
            case GCAP_ID -> CAPABILITIES | PERIOD_FEMTOSECONDS << 32;
            case GEN_CONF -> config;
            case GINTR_STA -> status;
            case MAIN_CNT -> counter();
            default -> 0;
        };
    }

    private void writeRegister(int register, long value, long mask) {
        if (register >= TIMER_0) {
            int n = (register - TIMER_0) / TIMER_BYTES;
            if (n < TIMERS) timers[n].write(register % TIMER_BYTES, value, mask);
            return;
        }
        switch (register) {
            case GEN_CONF -> setConfig(config & ~mask | value & mask & (ENABLE_CNF | LEG_RT_CNF));
            case GINTR_STA -> {
                for (Timer timer : timers) {
                    if ((value & mask & 1L << timer.number) != 0) timer.acknowledge();
                }
            }
            case MAIN_CNT -> {
                if (enabled()) return; // 2.3.7: to be written only while it stands
                countedTicks = countedTicks & ~mask | value & mask;
            }
            default -> {}
        }
    }

    private void setConfig(long value) {
        boolean replaced = replaces();
        countedTicks = counter();
        countedAtNanos = clock.nanoTime();
        config = value;
        if (replaces() != replaced) {
            irq0.set(!replaces() && pitLevel);
            irq8.set(!replaces() && rtcLevel);
        }
        for (Timer timer : timers) timer.arm();
    }

    private boolean enabled() {
        return (config & ENABLE_CNF) != 0;
    }

    private boolean replaces() {
        return (config & LEG_RT_CNF) != 0;
    }

    private long counter() {
        return enabled() ? countedTicks + (clock.nanoTime() - countedAtNanos) / NANOS_PER_TICK : countedTicks;
    }

    private final class Timer {
        private final int number;
        private final DeviceTimer alarm;
        private long config;
        private long comparator;
        private long period;
        private boolean level;

        Timer(int number, EventLoop loop) {
            this.number = number;
            this.alarm = new DeviceTimer(loop, Hpet.this, this::expire);
        }

        long read(int register) {
            return switch (register) {
                case CONFIG -> config | PER_INT_CAP | SIZE_CAP | ROUTES << 32;
                case COMPARATOR -> comparator;
                default -> 0;
            };
        }

        void write(int register, long value, long mask) {
            switch (register) {
                case CONFIG -> {
                    acknowledge();
                    config = (config & ~mask | value & mask) & CONFIG_WRITABLE;
                    if (narrow()) comparator &= 0xffff_ffffL;
                }
                case COMPARATOR -> {
                    long written = value & mask;
                    if (narrow()) written &= 0xffff_ffffL;
                    // 2.3.9.2.2: a periodic timer's comparator itself is set only after VAL_SET was
                    if (!periodic() || (config & VAL_SET) != 0) comparator = (narrow() ? 0 : comparator & ~mask) | written;
                    if (periodic()) period = (narrow() ? 0 : period & ~mask) | written;
                    config &= ~VAL_SET;
                }
                default -> {}
            }
            arm();
        }

        void reset() {
            acknowledge();
            config = 0;
            comparator = -1;
            period = 0;
            alarm.disarm();
        }

        void acknowledge() {
            status &= ~(1L << number);
            drive(false);
        }

        void arm() {
            if (!enabled() || (config & INT_ENB) == 0) {
                alarm.disarm();
                return;
            }
            long distance = comparator - counter();
            if (narrow()) distance &= 0xffff_ffffL;
            if (distance < 0 || distance > Long.MAX_VALUE / NANOS_PER_TICK / 2) {
                alarm.disarm(); // not in this century
            } else {
                alarm.arm(clock.nanoTime() + distance * NANOS_PER_TICK);
            }
        }

        private void expire() {
            if (periodic() && period != 0) {
                long mask = narrow() ? 0xffff_ffffL : -1;
                long late = narrow() ? Math.max(0, (int) (counter() - comparator)) : Math.max(0, counter() - comparator);
                comparator = comparator + (late / period + 1) * period & mask;
            }
            if ((config & INT_TYPE_LEVEL) != 0) {
                status |= 1L << number;
                drive(true);
            } else {
                line().set(true);
                line().set(false);
            }
            if (periodic() || narrow()) armNext();
        }

        /// One of 32 bits that is not periodic comes again when the counter has wrapped.
        private void armNext() {
            if (periodic()) {
                arm();
            } else {
                alarm.arm(clock.nanoTime() + (1L << 32) * NANOS_PER_TICK);
            }
        }

        private void drive(boolean to) {
            if (level == to) return;
            level = to;
            line().set(to);
        }

        private InterruptLine line() {
            if (replaces() && number < 2) return number == 0 ? irq0 : irq8;
            int route = (int) (config >> INT_ROUTE_SHIFT) & 0x1f;
            if ((ROUTES & 1L << route) == 0) return InterruptLine.NONE;
            return switch (route) {
                case PcChipset.TIMER_GSI -> irq0;
                case RTC_IRQ -> irq8;
                default -> inputs.apply(route);
            };
        }

        private boolean periodic() {
            return (config & TYPE_PERIODIC) != 0;
        }

        private boolean narrow() {
            return (config & MODE_32) != 0;
        }
    }
}
