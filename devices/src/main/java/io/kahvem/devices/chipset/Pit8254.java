package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.BytePort;
import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;

/// 8254 programmable interval timer and the system control port B (0x61) that belongs to its channel 2. Mode and command names follow the
/// 8254 data sheet.
///
/// Counts are computed from the clock when they are read, so they are exact whenever that is. Channel 0's output is IRQ0: its rising edges
/// come from the event loop; where the loop is late by whole periods those are skipped.
///
/// Lock: this object's monitor; the interrupt line is driven under it.
public final class Pit8254 implements IoDevice, Device {
    /// Four ports.
    public static final int PORTS = 4;
    public static final long HZ = 1_193_182;

    private static final TickRate RATE = new TickRate(HZ);
    /// The refresh request toggles port B's bit 4 every 18 ticks of the 8254: 15.085 us.
    private static final long REFRESH_TICKS = 18;

    private static final long NEVER = Long.MAX_VALUE;

    private static final int PORT_B_GATE2 = 0x01;
    private static final int PORT_B_WRITABLE = 0x0f;
    private static final int PORT_B_REFRESH = 0x10;
    private static final int PORT_B_OUT2 = 0x20;

    private final Clock clock;
    private final InterruptLine irq0;
    private final DeviceTimer timer;
    private final Channel[] channels = {new Channel(), new Channel(), new Channel()};
    private int portB;
    private boolean irqLevel;

    public Pit8254(EventLoop loop, InterruptLine irq0) {
        this.clock = loop.clock();
        this.irq0 = irq0;
        this.timer = new DeviceTimer(loop, this, this::channel0Edge);
        channels[2].gate = false;
    }

    @Override
    public int widestAccess() {
        return 1;
    }

    @Override
    public synchronized long read(long offset, int size) {
        return offset == 3 ? OPEN_BUS : channels[(int) offset].read(now());
    }

    @Override
    public synchronized void write(long offset, int size, long value) {
        int data = (int) value & 0xff;
        long now = now();
        if (offset == 3) {
            control(data, now);
        } else {
            boolean loaded = channels[(int) offset].write(data, now);
            if (offset == 0 && loaded) outputChanged(now);
        }
    }

    /// System control port B: gate of channel 2, speaker enable, refresh toggle, OUT2.
    public IoDevice portB() {
        return new BytePort(this::readPortB, this::writePortB);
    }

    @Override
    public synchronized void reset() {
        timer.disarm();
        for (Channel c : channels) c.reset();
        channels[2].gate = false;
        portB = 0;
        setIrq(false);
    }

    private synchronized int readPortB() {
        long now = now();
        int value = portB;
        if ((Math.floorDiv(now, REFRESH_TICKS) & 1) != 0) value |= PORT_B_REFRESH;
        if (channels[2].output(now)) value |= PORT_B_OUT2;
        return value;
    }

    private synchronized void writePortB(int value) {
        portB = value & PORT_B_WRITABLE;
        channels[2].setGate((value & PORT_B_GATE2) != 0, now());
    }

    private void control(int value, long now) {
        int select = value >> 6;
        if (select == 3) {
            readBack(value, now);
        } else if ((value & 0x30) == 0) {
            channels[select].latchCount(now);
        } else {
            channels[select].program(value, now);
            if (select == 0) outputChanged(now);
        }
    }

    private void readBack(int value, long now) {
        for (int i = 0; i < 3; i++) {
            if ((value & (2 << i)) == 0) continue;
            if ((value & 0x20) == 0) channels[i].latchCount(now);
            if ((value & 0x10) == 0) channels[i].latchStatus(now);
        }
    }

    /// Channel 0 was programmed or loaded: its line takes the new output and its next rising edge is awaited.
    private void outputChanged(long now) {
        setIrq(channels[0].output(now));
        awaitEdge(now);
    }

    private void channel0Edge() {
        // OUT is low for one tick (mode 2, 4) or half a period (mode 3) before it rises; only the edge means anything to a listener
        setIrq(false);
        setIrq(true);
        awaitEdge(now());
    }

    private void awaitEdge(long now) {
        long next = channels[0].nextRise(now);
        if (next == NEVER) {
            timer.disarm();
        } else {
            timer.arm(RATE.nanos(next));
        }
    }

    private void setIrq(boolean level) {
        if (level == irqLevel) return;
        irqLevel = level;
        irq0.set(level);
    }

    private long now() {
        return RATE.ticks(clock.nanoTime());
    }

    private static final class Channel {
        private static final int ACCESS_LOW = 1;
        private static final int ACCESS_HIGH = 2;
        private static final int UNLATCHED = -1;

        private int mode;
        private int access;
        private boolean bcd;
        private boolean gate;
        /// The count register holds a value since the control word.
        private boolean loaded;
        /// Modes 1 and 5: the gate has started the count.
        private boolean triggered;
        /// The count in ticks, 1 to 65536.
        private int period;
        /// Modes 2 and 3: takes over at the end of the running period; 0 for none.
        private int nextPeriod;
        private long startTick;
        /// Ticks counted before the gate stopped the count.
        private long frozen;
        private int lowByte = UNLATCHED;
        private boolean readHigh;
        private int latchedCount = UNLATCHED;
        private int latchedStatus = UNLATCHED;

        Channel() {
            reset();
        }

        void reset() {
            mode = 0;
            access = ACCESS_LOW | ACCESS_HIGH;
            bcd = false;
            gate = true;
            loaded = false;
            triggered = false;
            period = 0x10000;
            nextPeriod = 0;
            startTick = 0;
            frozen = 0;
            clearLatches();
        }

        void program(int control, long now) {
            access = control >> 4 & 3;
            mode = control >> 1 & 7;
            if (mode > 5) mode -= 4; // the data sheet's X10 and X11
            bcd = (control & 1) != 0;
            loaded = false;
            triggered = false;
            nextPeriod = 0;
            startTick = now;
            frozen = 0;
            clearLatches();
        }

        /// Takes a byte of a count; true when the count is complete.
        boolean write(int value, long now) {
            if (access == ACCESS_LOW) {
                load(value, now);
            } else if (access == ACCESS_HIGH) {
                load(value << 8, now);
            } else if (lowByte == UNLATCHED) {
                lowByte = value;
                if (mode == 0) loaded = false; // the first byte stops the count and OUT stays low
                return mode == 0;
            } else {
                load(value << 8 | lowByte, now);
                lowByte = UNLATCHED;
            }
            return true;
        }

        private void load(int raw, long now) {
            int count = bcd ? fromBcd(raw) : raw;
            if (count == 0) count = modulus();
            switch (mode) {
                case 2, 3 -> {
                    takeOver(now);
                    if (loaded && gate) {
                        nextPeriod = count;
                        return;
                    }
                    startTick = now;
                    frozen = 0;
                    period = count;
                }
                case 1, 5 -> {
                    // the running one-shot keeps its count; the next trigger takes the new one
                    nextPeriod = count;
                    if (!triggered) period = count;
                }
                default -> {
                    startTick = now;
                    frozen = 0;
                    period = count;
                }
            }
            loaded = true;
        }

        void setGate(boolean level, long now) {
            if (level == gate) return;
            takeOver(now);
            if (!level) {
                frozen = elapsed(now);
                gate = false;
                return;
            }
            gate = true;
            switch (mode) {
                case 0, 4 -> startTick = now - frozen;
                case 2, 3 -> {
                    if (nextPeriod != 0) period = nextPeriod;
                    nextPeriod = 0;
                    startTick = now;
                }
                default -> {
                    if (nextPeriod != 0) period = nextPeriod;
                    nextPeriod = 0;
                    triggered = loaded;
                    startTick = now;
                }
            }
        }

        boolean output(long now) {
            takeOver(now);
            long elapsed = elapsed(now);
            return switch (mode) {
                case 0 -> loaded && elapsed >= period;
                case 1 -> !triggered || elapsed >= period;
                case 2 -> !gate || !loaded || elapsed % period != period - 1;
                case 3 -> !gate || !loaded || elapsed % period < (period + 1) / 2;
                case 4 -> !loaded || elapsed != period;
                default -> !triggered || elapsed != period;
            };
        }

        /// The tick of the next rising edge of OUT after `now`, or NEVER. For a channel whose gate is always high.
        long nextRise(long now) {
            if (!loaded) return NEVER;
            takeOver(now);
            long elapsed = elapsed(now);
            return switch (mode) {
                case 0 -> elapsed < period ? startTick + period : NEVER;
                case 2, 3 -> startTick + (elapsed / period + 1) * period;
                case 4 -> elapsed <= period ? startTick + period + 1 : NEVER;
                default -> NEVER; // modes 1 and 5 need an edge of the gate
            };
        }

        int read(long now) {
            if (latchedStatus != UNLATCHED) {
                int status = latchedStatus;
                latchedStatus = UNLATCHED;
                return status;
            }
            int count = latchedCount != UNLATCHED ? latchedCount : count(now);
            boolean both = access == (ACCESS_LOW | ACCESS_HIGH);
            boolean high = both ? readHigh : access == ACCESS_HIGH;
            if (both) readHigh = !readHigh;
            if (!both || high) latchedCount = UNLATCHED;
            return high ? count >> 8 : count & 0xff;
        }

        void latchCount(long now) {
            if (latchedCount == UNLATCHED) latchedCount = count(now);
        }

        void latchStatus(long now) {
            if (latchedStatus != UNLATCHED) return;
            boolean out = output(now);
            boolean nullCount = !loaded || nextPeriod != 0;
            latchedStatus = (out ? 0x80 : 0) | (nullCount ? 0x40 : 0) | access << 4 | mode << 1 | (bcd ? 1 : 0);
        }

        /// The counting element as a guest reads it: 16 bits, or four decimal digits.
        private int count(long now) {
            takeOver(now);
            long elapsed = elapsed(now);
            long value = switch (mode) {
                case 2 -> period - elapsed % period;
                case 3 -> {
                    // counts down by two, twice a period
                    long phase = elapsed % period;
                    long half = (period + 1L) / 2;
                    yield (period & ~1) - 2 * (phase < half ? phase : phase - half);
                }
                default -> period - elapsed;
            };
            int count = (int) Math.floorMod(value, (long) modulus());
            return bcd ? toBcd(count) : count;
        }

        /// Modes 2 and 3 take a new count when the current one is used up.
        private void takeOver(long now) {
            if (nextPeriod == 0 || mode == 1 || mode == 5) return;
            long periods = elapsed(now) / period;
            if (periods == 0 || !gate) return;
            startTick += period;
            period = nextPeriod;
            nextPeriod = 0;
        }

        private long elapsed(long now) {
            if (!loaded) return 0;
            return switch (mode) {
                case 1, 5 -> triggered ? now - startTick : 0;
                default -> gate ? now - startTick : frozen;
            };
        }

        private int modulus() {
            return bcd ? 10_000 : 0x10000;
        }

        private void clearLatches() {
            lowByte = UNLATCHED;
            readHigh = false;
            latchedCount = UNLATCHED;
            latchedStatus = UNLATCHED;
        }

        private static int fromBcd(int raw) {
            return (raw >> 12 & 15) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 + (raw & 15);
        }

        private static int toBcd(int n) {
            return n / 1000 % 10 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10;
        }
    }
}
