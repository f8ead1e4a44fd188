package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.BytePort;
import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;
import java.time.LocalDate;

/// MC146818 real-time clock and the PC's CMOS memory behind ports 0x70 and 0x71. Register names follow the MC146818 data sheet.
///
/// The time of day is the clock's wall time plus what the guest has set it apart, in UTC; the periodic interrupt runs on monotonic time.
/// The day of the week is computed from the date and cannot be set apart from it.
///
/// Lock: this object's monitor; the interrupt line is driven under it.
public final class Rtc implements Device {
    private static final int CMOS_BYTES = 128;

    private static final int SECONDS = 0x00;
    private static final int SECONDS_ALARM = 0x01;
    private static final int MINUTES = 0x02;
    private static final int MINUTES_ALARM = 0x03;
    private static final int HOURS = 0x04;
    private static final int HOURS_ALARM = 0x05;
    private static final int DAY_OF_WEEK = 0x06;
    private static final int DAY_OF_MONTH = 0x07;
    private static final int MONTH = 0x08;
    private static final int YEAR = 0x09;
    private static final int REG_A = 0x0a;
    private static final int REG_B = 0x0b;
    private static final int REG_C = 0x0c;
    private static final int REG_D = 0x0d;
    /// Where a PC keeps the century; the FADT says so to the guest.
    public static final int CENTURY = 0x32;

    private static final int A_UIP = 0x80;
    private static final int A_DIVIDER = 0x70;
    private static final int A_DIVIDER_32KHZ = 0x20;
    private static final int B_SET = 0x80;
    private static final int B_PIE = 0x40;
    private static final int B_AIE = 0x20;
    private static final int B_UIE = 0x10;
    private static final int B_BINARY = 0x04;
    private static final int B_24H = 0x02;
    private static final int C_IRQF = 0x80;
    private static final int C_PF = 0x40;
    private static final int C_AF = 0x20;
    private static final int C_UF = 0x10;
    private static final int D_VRT = 0x80;
    private static final int PM = 0x80;
    /// An alarm byte with both top bits set matches anything.
    private static final int DONT_CARE = 0xc0;

    private static final long SECOND = 1_000_000_000L;
    private static final long DAY_SECONDS = 86_400;
    /// UIP rises 244 us before an update, which takes 1,984 us; here all of it lies before the second turns.
    private static final long UPDATE_NANOS = 2_228_000;
    private static final TickRate CRYSTAL = new TickRate(32_768);

    private final Clock clock;
    private final InterruptLine irq8;
    private final DeviceTimer timer;
    private final byte[] cmos = new byte[CMOS_BYTES];
    private int index;
    private int regA = A_DIVIDER_32KHZ | 6;
    private int regB = B_24H;
    private int flags;
    private boolean irqLevel;
    /// Guest time minus wall time.
    private long offsetNanos;
    /// While SET stops the updates: the time the registers show, in seconds.
    private long stoppedAt;
    private long syncedWall;
    private long syncedMono;

    public Rtc(EventLoop loop, InterruptLine irq8) {
        this.clock = loop.clock();
        this.irq8 = irq8;
        this.timer = new DeviceTimer(loop, this, this::update);
        this.syncedWall = guestNanos();
        this.syncedMono = clock.nanoTime();
    }

    /// Fills the bytes by which firmware and old loaders learn the memory's size.
    ///
    /// @param lowBytes RAM below 4 GiB, from address 0
    /// @param highBytes RAM from 4 GiB up
    public synchronized void setMemorySize(long lowBytes, long highBytes) {
        long baseKib = Math.min(640, lowBytes >> 10);
        long extendedKib = Math.clamp((lowBytes >> 10) - 1024, 0, 0xffff);
        long above16M = Math.clamp((lowBytes - (16L << 20)) >> 16, 0, 0xffff);
        long above4G = Math.clamp(highBytes >> 16, 0, 0xff_ffff);
        putCmos(0x15, 2, baseKib);
        putCmos(0x17, 2, extendedKib);
        putCmos(0x30, 2, extendedKib);
        putCmos(0x34, 2, above16M);
        putCmos(0x5b, 3, above4G);
    }

    /// Fills the bytes by which SeaBIOS learns how many processors to wait for, and in which order to boot where nobody says: disk, CD,
    /// floppy, network.
    public synchronized void setFirmwareHints(int cpus) {
        putCmos(0x5f, 1, cpus - 1);
        putCmos(0x3d, 1, 0x32);
        putCmos(0x38, 1, 0x10);
    }

    /// Port 0x70.
    public IoDevice indexPort() {
        return new BytePort(() -> 0xff, this::select);
    }

    /// Port 0x71.
    public IoDevice dataPort() {
        return new BytePort(this::readData, this::writeData);
    }

    /// RESET# clears the interrupt enables and flags; time and memory are the battery's.
    @Override
    public synchronized void reset() {
        regB &= ~(B_PIE | B_AIE | B_UIE);
        flags = 0;
        index = 0;
        update();
    }

    private synchronized void select(int value) {
        index = value & 0x7f; // bit 7 masks NMI, of which this machine's chipset raises none
    }

    private synchronized int readData() {
        update();
        return switch (index) {
            case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY_OF_MONTH, MONTH, YEAR, CENTURY -> timeRegister(index, shownSeconds());
            case REG_A -> regA | (updateInProgress() ? A_UIP : 0);
            case REG_B -> regB;
            case REG_C -> {
                int value = flags | (irqLevel ? C_IRQF : 0);
                flags = 0;
                update();
                yield value;
            }
            case REG_D -> D_VRT;
            default -> cmos[index] & 0xff;
        };
    }

    private synchronized void writeData(int value) {
        update();
        switch (index) {
            case SECONDS, MINUTES, HOURS, DAY_OF_MONTH, MONTH, YEAR, CENTURY -> setTime(index, value);
            case REG_A -> regA = value & ~A_UIP;
            case REG_B -> {
                boolean wasStopped = stopped();
                int shown = regB;
                if (!wasStopped && (value & B_SET) != 0) stoppedAt = shownSeconds();
                regB = value;
                if (wasStopped && (value & B_SET) == 0) moveTo(stoppedAt);
                if (((shown ^ value) & (B_PIE | B_AIE | B_UIE)) != 0) resync();
            }
            case DAY_OF_WEEK, REG_C, REG_D -> {}
            default -> cmos[index] = (byte) value;
        }
        update();
    }

    /// Raises the flags of what has happened since the last call, drives the line and arms the timer for what comes next.
    private void update() {
        long wall = guestNanos();
        long mono = clock.nanoTime();
        if (!stopped()) {
            long from = Math.floorDiv(syncedWall, SECOND);
            long to = Math.floorDiv(wall, SECOND);
            if (to > from) {
                flags |= C_UF;
                if ((flags & C_AF) == 0 && nextAlarm(from) <= to) flags |= C_AF;
            }
        }
        long period = periodTicks();
        if (period > 0 && Math.floorDiv(CRYSTAL.ticks(mono), period) != Math.floorDiv(CRYSTAL.ticks(syncedMono), period)) flags |= C_PF;
        syncedWall = wall;
        syncedMono = mono;
        setIrq((flags & regB & (C_PF | C_AF | C_UF)) != 0);
        armTimer(wall, mono, period);
    }

    private void resync() {
        syncedWall = guestNanos();
        syncedMono = clock.nanoTime();
    }

    private void armTimer(long wall, long mono, long period) {
        long deadline = Long.MAX_VALUE;
        int awaited = regB & ~flags;
        if (!irqLevel && (awaited & B_PIE) != 0 && period > 0) {
            deadline = CRYSTAL.nanos((Math.floorDiv(CRYSTAL.ticks(mono), period) + 1) * period);
        }
        if (!irqLevel && !stopped()) {
            long second = Math.floorDiv(wall, SECOND);
            if ((awaited & B_UIE) != 0) deadline = Math.min(deadline, mono + (second + 1) * SECOND - wall);
            if ((awaited & B_AIE) != 0) {
                long alarm = nextAlarm(second);
                if (alarm != Long.MAX_VALUE) deadline = Math.min(deadline, mono + alarm * SECOND - wall);
            }
        }
        if (deadline == Long.MAX_VALUE) {
            timer.disarm();
        } else {
            timer.arm(deadline);
        }
    }

    private void setIrq(boolean level) {
        if (level == irqLevel) return;
        irqLevel = level;
        irq8.set(level);
    }

    /// Ticks of the 32,768 Hz crystal between periodic interrupts; 0 when they are off (data sheet, table 5).
    private long periodTicks() {
        int rate = regA & 0x0f;
        if (rate == 0 || (regA & A_DIVIDER) != A_DIVIDER_32KHZ) return 0;
        return 1L << (rate <= 2 ? rate + 6 : rate - 1);
    }

    /// The first second after `second` at which the alarm bytes match, or MAX_VALUE if they hold no time of day.
    private long nextAlarm(long second) {
        int seconds = alarmField(SECONDS_ALARM, 59);
        int minutes = alarmField(MINUTES_ALARM, 59);
        int hours = alarmField(HOURS_ALARM, 23);
        for (long t = second + 1; t <= second + DAY_SECONDS; ) {
            int ofDay = (int) Math.floorMod(t, DAY_SECONDS);
            if (hours >= 0 && ofDay / 3600 != hours) {
                t += 3600 - ofDay % 3600;
            } else if (minutes >= 0 && ofDay / 60 % 60 != minutes) {
                t += 60 - ofDay % 60;
            } else if (seconds >= 0 && ofDay % 60 != seconds) {
                t++;
            } else {
                return t;
            }
        }
        return Long.MAX_VALUE;
    }

    /// An alarm byte's value, -1 for any; one out of range is a value that never comes.
    private int alarmField(int register, int max) {
        int raw = cmos[register] & 0xff;
        if ((raw & DONT_CARE) == DONT_CARE) return -1;
        int value = register == HOURS_ALARM ? decodeHours(raw) : decode(raw);
        return value > max ? Integer.MAX_VALUE : value;
    }

    private int timeRegister(int register, long seconds) {
        LocalDate date = LocalDate.ofEpochDay(Math.floorDiv(seconds, DAY_SECONDS));
        int ofDay = (int) Math.floorMod(seconds, DAY_SECONDS);
        return switch (register) {
            case SECONDS -> encode(ofDay % 60);
            case MINUTES -> encode(ofDay / 60 % 60);
            case HOURS -> encodeHours(ofDay / 3600);
            case DAY_OF_WEEK -> encode(date.getDayOfWeek().getValue() % 7 + 1);
            case DAY_OF_MONTH -> encode(date.getDayOfMonth());
            case MONTH -> encode(date.getMonthValue());
            case YEAR -> encode(Math.floorMod(date.getYear(), 100));
            default -> encode(Math.floorMod(Math.floorDiv(date.getYear(), 100), 100));
        };
    }

    private void setTime(int register, int raw) {
        long seconds = shownSeconds();
        LocalDate date = LocalDate.ofEpochDay(Math.floorDiv(seconds, DAY_SECONDS));
        int ofDay = (int) Math.floorMod(seconds, DAY_SECONDS);
        int value = decode(raw);
        // A date that does not exist, such as one on the way from 31 January to 28 February, runs over into the next month.
        switch (register) {
            case SECONDS -> ofDay += value - ofDay % 60;
            case MINUTES -> ofDay += (value - ofDay / 60 % 60) * 60;
            case HOURS -> ofDay += (decodeHours(raw) - ofDay / 3600) * 3600;
            case DAY_OF_MONTH -> date = date.plusDays(value - date.getDayOfMonth());
            case MONTH -> date = date.plusMonths(value - date.getMonthValue());
            case YEAR -> date = date.plusYears(value - Math.floorMod(date.getYear(), 100));
            default -> date = date.plusYears(100L * (value - Math.floorDiv(date.getYear(), 100)));
        }
        long set = date.toEpochDay() * DAY_SECONDS + ofDay;
        if (stopped()) {
            stoppedAt = set;
        } else {
            moveTo(set);
        }
    }

    private void moveTo(long seconds) {
        long now = guestNanos();
        offsetNanos += (seconds - Math.floorDiv(now, SECOND)) * SECOND;
        resync();
    }

    private boolean updateInProgress() {
        return !stopped() && Math.floorMod(guestNanos(), SECOND) >= SECOND - UPDATE_NANOS;
    }

    private boolean stopped() {
        return (regB & B_SET) != 0;
    }

    private long shownSeconds() {
        return stopped() ? stoppedAt : Math.floorDiv(guestNanos(), SECOND);
    }

    private long guestNanos() {
        return clock.wallNanos() + offsetNanos;
    }

    private int encode(int value) {
        return (regB & B_BINARY) != 0 ? value : value / 10 << 4 | value % 10;
    }

    private int decode(int raw) {
        return (regB & B_BINARY) != 0 ? raw : (raw >> 4) * 10 + (raw & 0x0f);
    }

    private int encodeHours(int hours) {
        if ((regB & B_24H) != 0) return encode(hours);
        return encode(hours % 12 == 0 ? 12 : hours % 12) | (hours >= 12 ? PM : 0);
    }

    private int decodeHours(int raw) {
        if ((regB & B_24H) != 0) return decode(raw);
        return decode(raw & ~PM) % 12 + ((raw & PM) != 0 ? 12 : 0);
    }

    private void putCmos(int at, int bytes, long value) {
        for (int i = 0; i < bytes; i++) cmos[at + i] = (byte) (value >> (8 * i));
    }
}
