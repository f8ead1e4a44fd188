package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.MsiSink;
import java.util.Arrays;

/// 82093AA I/O APIC with 24 inputs, of the version (0x20) that has an EOI register. Register names follow the 82093AA data sheet.
///
/// Inputs are given as asserted or not; a redirection entry's polarity bit is kept for the guest and changes nothing.
///
/// Lock: this object's monitor; messages are sent under it, so the sink must not call back.
public final class IoApic implements IoDevice, Device {
    public static final int INPUTS = 24;
    public static final long DEFAULT_BASE = 0xfec0_0000L;
    public static final int WINDOW_BYTES = 0x1000;

    private static final int IOREGSEL = 0x00;
    private static final int IOWIN = 0x10;
    private static final int EOIR = 0x40;

    private static final int IOAPICID = 0x00;
    private static final int IOAPICVER = 0x01;
    private static final int IOAPICARB = 0x02;
    private static final int IOREDTBL = 0x10;
    private static final int VERSION = (INPUTS - 1) << 16 | 0x20;

    private static final long VECTOR = 0xff;
    private static final int DELIVERY_MODE_SHIFT = 8;
    private static final int LOWEST_PRIORITY = 1;
    private static final long DESTMOD_LOGICAL = 1L << 11;
    private static final long DELIVS = 1L << 12;
    private static final long REMOTE_IRR = 1L << 14;
    private static final long TRIGGER_LEVEL = 1L << 15;
    private static final long MASKED = 1L << 16;
    private static final int DESTINATION_SHIFT = 56;
    private static final long WRITABLE = 0xff00_0000_0001_ffffL & ~(DELIVS | REMOTE_IRR);

    private static final long MSI_BASE = 0xfee0_0000L;
    private static final int MSI_DESTINATION_SHIFT = 12;
    private static final long MSI_REDIRECTION_HINT = 1L << 3;
    private static final long MSI_LOGICAL = 1L << 2;
    private static final int MSI_ASSERT = 1 << 14;
    private static final int MSI_LEVEL = 1 << 15;

    private final MsiSink sink;
    private final long[] redirection = new long[INPUTS];
    private int inputs;
    private int select;
    private int id;

    public IoApic(MsiSink sink) {
        this.sink = sink;
        reset();
    }

    /// Asserts or deasserts input 0 to 23. A masked edge is lost (data sheet, 3.2.4, interrupt mask).
    public synchronized void setInput(int input, boolean asserted) {
        int bit = 1 << input;
        boolean rising = asserted && (inputs & bit) == 0;
        inputs = asserted ? inputs | bit : inputs & ~bit;
        if (isLevel(input)) {
            deliverLevel(input);
        } else if (rising && (redirection[input] & MASKED) == 0) {
            send(redirection[input]);
        }
    }

    /// A local APIC ended a level-triggered interrupt of this vector: entries that wait for it may fire again.
    public synchronized void endOfInterrupt(int vector) {
        for (int i = 0; i < INPUTS; i++) {
            if ((redirection[i] & REMOTE_IRR) == 0 || (redirection[i] & VECTOR) != vector) continue;
            redirection[i] &= ~REMOTE_IRR;
            deliverLevel(i);
        }
    }

    @Override
    public synchronized long read(long offset, int size) {
        return switch ((int) offset) {
            case IOREGSEL -> select;
            case IOWIN -> readRegister() & 0xffff_ffffL;
            default -> 0;
        };
    }

    @Override
    public synchronized void write(long offset, int size, long value) {
        switch ((int) offset) {
            case IOREGSEL -> select = (int) value & 0xff;
            case IOWIN -> writeRegister(value & 0xffff_ffffL);
            case EOIR -> endOfInterrupt((int) value & 0xff);
            default -> {}
        }
    }

    @Override
    public synchronized void reset() {
        Arrays.fill(redirection, MASKED);
        select = 0;
        id = 0;
    }

    private long readRegister() {
        return switch (select) {
            case IOAPICID, IOAPICARB -> id;
            case IOAPICVER -> VERSION;
            default -> {
                int input = (select - IOREDTBL) >> 1;
                if (select < IOREDTBL || input >= INPUTS) yield 0;
                yield (select & 1) == 0 ? redirection[input] : redirection[input] >>> 32;
            }
        };
    }

    private void writeRegister(long value) {
        if (select == IOAPICID) {
            id = (int) value & 0x0f00_0000;
            return;
        }
        int input = (select - IOREDTBL) >> 1;
        if (select < IOREDTBL || input >= INPUTS) return;
        long old = redirection[input];
        long written = (select & 1) == 0 ? (old & 0xffff_ffff_0000_0000L) | value : (old & 0xffff_ffffL) | value << 32;
        long entry = (written & WRITABLE) | (old & REMOTE_IRR);
        if ((entry & TRIGGER_LEVEL) == 0) entry &= ~REMOTE_IRR; // how software ends a level interrupt without an EOI register
        redirection[input] = entry;
        if (isLevel(input)) deliverLevel(input);
    }

    private boolean isLevel(int input) {
        return (redirection[input] & TRIGGER_LEVEL) != 0;
    }

    private void deliverLevel(int input) {
        long entry = redirection[input];
        if ((inputs & 1 << input) == 0 || (entry & (MASKED | REMOTE_IRR)) != 0 || (entry & TRIGGER_LEVEL) == 0) return;
        redirection[input] = entry | REMOTE_IRR;
        send(entry);
    }

    /// SDM Vol. 3A, 12.11: the message that carries what the entry says.
    private void send(long entry) {
        int deliveryMode = (int) (entry >> DELIVERY_MODE_SHIFT) & 7;
        long address = MSI_BASE | (entry >>> DESTINATION_SHIFT) << MSI_DESTINATION_SHIFT;
        if ((entry & DESTMOD_LOGICAL) != 0) address |= MSI_LOGICAL;
        if (deliveryMode == LOWEST_PRIORITY) address |= MSI_REDIRECTION_HINT;
        int data = (int) (entry & VECTOR) | deliveryMode << DELIVERY_MODE_SHIFT;
        if ((entry & TRIGGER_LEVEL) != 0) data |= MSI_LEVEL | MSI_ASSERT;
        sink.send(address, data);
    }
}
