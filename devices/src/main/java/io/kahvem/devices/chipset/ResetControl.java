package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.bus.BytePort;

/// The two registers of a PC's south bridge that reset it: RST_CNT at 0xcf9 (ICH9 data sheet, 13.7.5) and PORT92 (13.7.3), which also has
/// the fast A20 bit.
///
/// A20 is remembered for the guest and changes nothing: address line 20 is never masked here.
///
/// Lock: this object's monitor; `reset` is called outside it.
public final class ResetControl implements Device {
    private static final int RST_CPU = 0x04;
    private static final int RST_CNT_KEPT = 0x0a;
    private static final int INIT_NOW = 0x01;
    private static final int ALT_A20_GATE = 0x02;

    private final Runnable onReset;
    private int rstCnt;
    private int port92 = ALT_A20_GATE;

    public ResetControl(Runnable onReset) {
        this.onReset = onReset;
    }

    /// RST_CNT; the value 0x06 written in one go is the reset register of the FADT.
    public BytePort rstCnt() {
        return new BytePort(this::readRstCnt, this::writeRstCnt);
    }

    public BytePort port92() {
        return new BytePort(this::readPort92, this::writePort92);
    }

    @Override
    public synchronized void reset() {
        rstCnt = 0;
        port92 = ALT_A20_GATE;
    }

    private synchronized int readRstCnt() {
        return rstCnt;
    }

    private synchronized int readPort92() {
        return port92;
    }

    private void writeRstCnt(int value) {
        synchronized (this) {
            rstCnt = value & RST_CNT_KEPT;
        }
        if ((value & RST_CPU) != 0) onReset.run();
    }

    private void writePort92(int value) {
        synchronized (this) {
            port92 = value & ALT_A20_GATE;
        }
        if ((value & INIT_NOW) != 0) onReset.run();
    }
}
