package io.kahvem.devices.ahci;

import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A port of the adapter: its registers (AHCI 1.3.1, 3.3), its command list and the FISes it receives.
///
/// Queued commands run together; any other runs alone, in the order of slots.
/// Lock: this object's monitor. Never held while a device drains.
final class AhciPort {
    static final int SLOTS = 32;

    private static final int CLB = 0x00;
    private static final int CLBU = 0x04;
    private static final int FB = 0x08;
    private static final int FBU = 0x0c;
    private static final int IS = 0x10;
    private static final int IE = 0x14;
    private static final int CMD = 0x18;
    private static final int TFD = 0x20;
    private static final int SIG = 0x24;
    private static final int SSTS = 0x28;
    private static final int SCTL = 0x2c;
    private static final int SERR = 0x30;
    private static final int SACT = 0x34;
    private static final int CI = 0x38;

    private static final int CMD_ST = 1;
    private static final int CMD_SUD = 1 << 1;
    private static final int CMD_POD = 1 << 2;
    private static final int CMD_CLO = 1 << 3;
    private static final int CMD_FRE = 1 << 4;
    private static final int CMD_FR = 1 << 14;
    private static final int CMD_CR = 1 << 15;
    private static final int CMD_ATAPI = 1 << 24;
    private static final int CMD_WRITABLE = CMD_ST | CMD_FRE | CMD_ATAPI;

    private static final int DHRS = 1;
    private static final int PSS = 1 << 1;
    private static final int SDBS = 1 << 3;
    private static final int PCS = 1 << 6;
    private static final int HBFS = 1 << 29;
    private static final int TFES = 1 << 30;
    private static final int ENABLES = 0xfdc0_00ff;

    /// The link is up at 6 Gb/s.
    private static final int SSTS_UP = 0x133;
    private static final int DET = 0xf;
    private static final int DET_COMRESET = 1;
    private static final int SERR_EXCHANGED = 1 << 26;
    private static final int NO_DEVICE_STATUS = 0x7f;
    private static final int CONTROL_SRST = 4;

    // 4.2.1: where received FISes go
    private static final int PSFIS = 0x20;
    private static final int RFIS = 0x40;
    private static final int SDBFIS = 0x58;
    private static final int FIS_REGISTER_D2H = 0x34;
    private static final int FIS_PIO_SETUP = 0x5f;
    private static final int FIS_SET_DEVICE_BITS = 0xa1;
    private static final int FIS_INTERRUPT = 0x40;
    private static final int FIS_TO_HOST = 0x20;

    private final AhciController hba;
    private final int number;
    private final @Nullable SataDevice device;
    private final GuestMemory memory;
    private final CommandSlot[] slots = new CommandSlot[SLOTS];
    private final byte[] fis = new byte[20];
    private long clb;
    private long fb;
    private int is;
    private int ie;
    private int cmd;
    private int tfd;
    private int sig;
    private int sctl;
    private int serr;
    private int sact;
    private int ci;

    /// The signature's FIS has not been received yet.
    private boolean signatureDue;
    private boolean busy;
    private boolean softReset;
    private boolean halted;

    AhciPort(AhciController hba, int number, @Nullable SataDevice device, GuestMemory memory) {
        this.hba = hba;
        this.number = number;
        this.device = device;
        this.memory = memory;
        for (int n = 0; n < SLOTS; n++) slots[n] = new CommandSlot(this, n, memory);
        powerUp();
    }

    void reset() {
        abandon();
        synchronized (this) {
            powerUp();
            updateInterrupt();
        }
    }

    private void powerUp() {
        clb = 0;
        fb = 0;
        is = 0;
        ie = 0;
        cmd = CMD_SUD | CMD_POD;
        sctl = 0;
        serr = 0;
        resetLink();
    }

    /// What COMRESET leaves. The device's first FIS comes when there is a place for it.
    private void resetLink() {
        tfd = NO_DEVICE_STATUS;
        sig = -1;
        sact = 0;
        ci = 0;
        busy = false;
        halted = false;
        softReset = false;
        signatureDue = device != null;
        if (device != null) {
            device.reset();
            serr |= SERR_EXCHANGED;
            is |= PCS;
        }
    }

    /// Takes all commands from the device, waiting for those that run.
    private void abandon() {
        synchronized (this) {
            ci = 0;
            sact = 0;
            busy = false;
            for (CommandSlot slot : slots) slot.issued = false;
        }
        if (device != null) device.drain();
    }

    synchronized int read(int offset) {
        return switch (offset) {
            case CLB -> (int) clb;
            case CLBU -> (int) (clb >>> 32);
            case FB -> (int) fb;
            case FBU -> (int) (fb >>> 32);
            case IS -> is;
            case IE -> ie;
            case CMD -> cmd | ((cmd & CMD_ST) != 0 ? CMD_CR : 0) | ((cmd & CMD_FRE) != 0 ? CMD_FR : 0);
            case TFD -> tfd;
            case SIG -> sig;
            case SSTS -> device == null ? 0 : (sctl & DET) == DET_COMRESET ? 1 : SSTS_UP;
            case SCTL -> sctl;
            case SERR -> serr;
            case SACT -> sact;
            case CI -> ci;
            default -> 0;
        };
    }

    void write(int offset, int value) {
        boolean stops;
        synchronized (this) {
            stops = offset == CMD && (cmd & CMD_ST) != 0 && (value & CMD_ST) == 0;
            stops |= offset == SCTL && (value & DET) == DET_COMRESET;
        }
        if (stops) abandon();
        synchronized (this) {
            switch (offset) {
                case CLB -> clb = clb & -1L << 32 | value & 0xffff_fc00L;
                case CLBU -> clb = clb & 0xffff_ffffL | (long) value << 32;
                case FB -> fb = fb & -1L << 32 | value & 0xffff_ff00L;
                case FBU -> fb = fb & 0xffff_ffffL | (long) value << 32;
                case IS -> {
                    is &= ~value;
                    updateInterrupt();
                }
                case IE -> {
                    ie = value & ENABLES;
                    updateInterrupt();
                }
                case CMD -> writeCmd(value);
                case SCTL -> writeSctl(value);
                case SERR -> serr &= ~value;
                case SACT -> {
                    if ((cmd & CMD_ST) != 0) sact |= value;
                }
                case CI -> {
                    if ((cmd & CMD_ST) != 0) ci |= value;
                    issue();
                }
                default -> {}
            }
        }
    }

    private void writeCmd(int value) {
        boolean starts = (cmd & CMD_ST) == 0 && (value & CMD_ST) != 0;
        cmd = CMD_SUD | CMD_POD | value & CMD_WRITABLE;
        if ((value & CMD_CLO) != 0) tfd &= ~(SataDevice.BSY | SataDevice.DRQ);
        if (starts) halted = false;
        sendSignature();
        issue();
    }

    private void writeSctl(int value) {
        boolean comreset = (value & DET) == DET_COMRESET;
        sctl = value & 0xfff;
        if (comreset) resetLink();
        sendSignature();
        updateInterrupt();
    }

    private void sendSignature() {
        if (!signatureDue || (cmd & CMD_FRE) == 0 || (sctl & DET) == DET_COMRESET || device == null) return;
        signatureDue = false;
        sig = device.signature();
        tfd = device.resetStatus() | 1 << 8; // error register 1: diagnostics passed
        register(device.resetStatus(), 1, sig & 0xff, sig >>> 8 & 0xff_ffff, false);
    }

    /// Gives the device the commands that may run now.
    private void issue() {
        SataDevice to = device;
        while (to != null && !halted && !busy && (cmd & CMD_ST) != 0 && hba.isBusMaster()) {
            CommandSlot next = null;
            for (int n = 0; n < SLOTS && next == null; n++) {
                if ((ci & 1 << n) != 0 && !slots[n].issued) next = slots[n];
            }
            if (next == null || !start(to, next)) return;
        }
    }

    /// False where the command has to wait for others.
    private boolean start(SataDevice to, CommandSlot slot) {
        if (!slot.fetch(clb)) {
            halted = true;
            raise(HBFS);
            return false;
        }
        if (!slot.isCommand()) {
            control(to, slot);
            return true;
        }
        boolean queued = slot.isQueued();
        if (!queued && sact != 0) return false;
        slot.issued = true;
        if (queued) {
            ci &= ~(1 << slot.tag()); // accepted; SACT tells its end
            tfd = SataDevice.READY;
        } else {
            busy = true;
            tfd = tfd & 0xff00 | SataDevice.BSY | SataDevice.READY;
        }
        to.start(slot);
        return true;
    }

    /// The control register: software reset when SRST goes from 1 to 0.
    private void control(SataDevice to, CommandSlot slot) {
        boolean srst = (slot.control() & CONTROL_SRST) != 0;
        ci &= ~(1 << slot.tag());
        if (srst && !softReset) {
            softReset = true;
            tfd = slot.clearsBusy() ? SataDevice.READY : SataDevice.BSY;
        } else if (!srst && softReset) {
            softReset = false;
            to.reset();
            signatureDue = true;
            sendSignature();
            raise(DHRS);
        }
    }

    /// A command has ended: on the thread that issued it, or one of the disk's.
    ///
    /// @param pio whether its data came the PIO way, in to the host
    void complete(CommandSlot slot, int status, int error, long bytes, boolean pio) {
        synchronized (this) {
            if (!slot.issued) return; // abandoned meanwhile
            slot.issued = false;
            boolean failed = (status & SataDevice.ERR) != 0;
            tfd = status | error << 8;
            if (slot.isQueued()) {
                if (!failed) sact &= ~(1 << slot.tag());
                deviceBits(status, error, failed ? 0 : 1 << slot.tag());
            } else {
                busy = false;
                slot.transferred(bytes);
                if (!failed) ci &= ~(1 << slot.tag());
                if (pio) {
                    pioSetup(status, (int) bytes);
                } else {
                    register(status, error, slot.resultCount, slot.resultLba, true);
                }
            }
            if (failed) {
                halted = true; // 6.2.2: until software clears ST
                is |= TFES;
            }
            is |= slot.isQueued() ? SDBS : pio ? PSS : DHRS;
            updateInterrupt();
            issue();
        }
    }

    private void raise(int cause) {
        is |= cause;
        updateInterrupt();
    }

    synchronized void updateInterrupt() {
        hba.portInterrupt(number, (is & ie) != 0);
    }

    private void register(int status, int error, int count, long lba, boolean interrupt) {
        begin(FIS_REGISTER_D2H, interrupt ? FIS_INTERRUPT : 0, status, error);
        for (int n = 0; n < 3; n++) {
            fis[4 + n] = (byte) (lba >> 8 * n);
            fis[8 + n] = (byte) (lba >> 24 + 8 * n);
        }
        fis[12] = (byte) count;
        fis[13] = (byte) (count >> 8);
        receive(RFIS, 20);
    }

    private void pioSetup(int status, int bytes) {
        begin(FIS_PIO_SETUP, FIS_INTERRUPT | FIS_TO_HOST, status | SataDevice.DRQ, 0);
        fis[15] = (byte) status;
        fis[16] = (byte) bytes;
        fis[17] = (byte) (bytes >> 8);
        receive(PSFIS, 20);
    }

    private void deviceBits(int status, int error, int ended) {
        begin(FIS_SET_DEVICE_BITS, FIS_INTERRUPT, status & 0x77, error);
        for (int n = 0; n < 4; n++) fis[4 + n] = (byte) (ended >> 8 * n);
        receive(SDBFIS, 8);
    }

    private void begin(int type, int flags, int status, int error) {
        Arrays.fill(fis, (byte) 0);
        fis[0] = (byte) type;
        fis[1] = (byte) flags;
        fis[2] = (byte) status;
        fis[3] = (byte) error;
    }

    private void receive(int at, int bytes) {
        if ((cmd & CMD_FRE) != 0) memory.write(fb + at, fis, 0, bytes);
    }
}
