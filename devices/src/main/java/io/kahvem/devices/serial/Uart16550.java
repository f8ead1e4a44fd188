package io.kahvem.devices.serial;

import io.kahvem.devices.ByteSink;
import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;

/// 16550A UART. Register names follow the PC16550D data sheet, section 8.
///
/// The line takes no time: a byte written to THR is out at once, and the four character times of the receiver's timeout are none.
///
/// Input is never lost on the way in. The host's side offers bytes and the UART takes them only while the guest listens: it enabled the
/// receive interrupt, or it polls LSR. Before that they wait outside, where a driver's FIFO reset at its start cannot drop them.
///
/// Lock: this object's monitor. The interrupt line and the sink are called under it, the space callback outside it.
public final class Uart16550 implements IoDevice, Device {
    public static final int REGISTERS = 8;

    private static final int FIFO_BYTES = 16;
    /// So many reads of LSR that find no input, with nothing sent and the line not set up between, are a guest waiting for input: a polled
    /// transmitter reads it once a byte. Drivers of firmware read MSR and set MCR, too, each time they look.
    private static final int POLLS_OF_A_LISTENER = 4;

    private static final int IER_ERBFI = 0x01;
    private static final int IER_ETBEI = 0x02;
    private static final int IER_ELSI = 0x04;
    private static final int IER_EDSSI = 0x08;

    private static final int IIR_MODEM_STATUS = 0x00;
    private static final int IIR_NONE = 0x01;
    private static final int IIR_THR_EMPTY = 0x02;
    private static final int IIR_DATA_AVAILABLE = 0x04;
    private static final int IIR_LINE_STATUS = 0x06;
    private static final int IIR_CHARACTER_TIMEOUT = 0x0c;
    private static final int IIR_FIFOS_ENABLED = 0xc0;

    private static final int FCR_ENABLE = 0x01;
    private static final int FCR_RESET_RECEIVER = 0x02;
    private static final int FCR_KEPT = 0xc9;

    private static final int LCR_DLAB = 0x80;

    private static final int MCR_OUT2 = 0x08;
    private static final int MCR_LOOP = 0x10;
    private static final int MCR_WRITABLE = 0x1f;

    private static final int LSR_DR = 0x01;
    private static final int LSR_OE = 0x02;
    private static final int LSR_BI = 0x10;
    private static final int LSR_THRE = 0x20;
    private static final int LSR_TEMT = 0x40;
    private static final int LSR_FIFO_ERROR = 0x80;

    private static final int MSR_TERI = 0x04;
    private static final int MSR_DELTAS = 0x0f;
    /// CTS, DSR and DCD: the far end is always there and ready.
    private static final int MSR_CONNECTED = 0xb0;

    /// Beside a received character in the FIFO: it was a break.
    private static final int BREAK = 0x100;

    private enum Reg {
        RBR, THR, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR, DLL, DLM;

        static Reg forRead(long offset, boolean dlab) {
            return switch ((int) offset & 7) {
                case 0 -> dlab ? DLL : RBR;
                case 1 -> dlab ? DLM : IER;
                case 2 -> IIR;
                default -> above2(offset);
            };
        }

        static Reg forWrite(long offset, boolean dlab) {
            return switch ((int) offset & 7) {
                case 0 -> dlab ? DLL : THR;
                case 1 -> dlab ? DLM : IER;
                case 2 -> FCR;
                default -> above2(offset);
            };
        }

        private static Reg above2(long offset) {
            return switch ((int) offset & 7) {
                case 3 -> LCR;
                case 4 -> MCR;
                case 5 -> LSR;
                case 6 -> MSR;
                default -> SCR;
            };
        }
    }

    private final InterruptLine irq;
    private final ByteSink out;
    private volatile Runnable onReceiveSpace = () -> {};

    private final int[] fifo = new int[FIFO_BYTES];
    private int fifoHead;
    private int fifoCount;
    private int ier;
    private int fcr;
    private int lcr;
    private int mcr;
    private int scr;
    private int divisor;
    private int msr;
    private boolean overrun;
    private boolean thrEmptyPending;
    private boolean irqLevel;
    private int lsrPolls;

    public Uart16550(InterruptLine irq, ByteSink out) {
        this.irq = irq;
        this.out = out;
        clearRegisters();
    }

    /// Sets what to call when [#receiveSpace] leaves zero; it runs on the vCPU thread that made the space, with no lock held.
    public void onReceiveSpace(Runnable callback) {
        onReceiveSpace = callback;
    }

    /// How many bytes [#receive] would take now.
    public synchronized int receiveSpace() {
        boolean listening = (ier & IER_ERBFI) != 0 || lsrPolls >= POLLS_OF_A_LISTENER;
        return listening && !loop() ? capacity() - fifoCount : 0;
    }

    /// Offers one byte of input; false means that it was not taken and must be offered again after the space callback.
    public synchronized boolean receive(byte value) {
        if (receiveSpace() == 0) return false;
        push(value & 0xff);
        updateInterrupt();
        return true;
    }

    /// Offers a break condition (a null character with the break indicator), as [#receive].
    public synchronized boolean receiveBreak() {
        if (receiveSpace() == 0) return false;
        push(BREAK);
        updateInterrupt();
        return true;
    }

    @Override
    public int widestAccess() {
        return 1;
    }

    @Override
    public long read(long offset, int size) {
        long value;
        boolean opened;
        synchronized (this) {
            boolean wasFull = receiveSpace() == 0;
            value = readRegister(Reg.forRead(offset, dlab()));
            opened = wasFull && receiveSpace() > 0;
        }
        if (opened) onReceiveSpace.run();
        return value;
    }

    @Override
    public void write(long offset, int size, long value) {
        boolean opened;
        synchronized (this) {
            boolean wasFull = receiveSpace() == 0;
            writeRegister(Reg.forWrite(offset, dlab()), (int) value & 0xff);
            opened = wasFull && receiveSpace() > 0;
        }
        if (opened) onReceiveSpace.run();
    }

    @Override
    public synchronized void reset() {
        clearRegisters();
        irqLevel = false;
        irq.set(false);
    }

    private void clearRegisters() {
        clearReceiver();
        ier = 0;
        fcr = 0;
        lcr = 0;
        mcr = 0;
        scr = 0;
        divisor = 12; // 9600 baud; the data sheet leaves it undefined
        msr = MSR_CONNECTED;
        thrEmptyPending = false;
        lsrPolls = 0;
    }

    private long readRegister(Reg reg) {
        return switch (reg) {
            case RBR -> {
                int value = pop();
                updateInterrupt();
                yield value;
            }
            case IER -> ier;
            case IIR -> {
                int id = identifyInterrupt();
                if (id == IIR_THR_EMPTY) {
                    // 8.6: reading IIR while it names THRE is one of the two ways to reset it
                    thrEmptyPending = false;
                    updateInterrupt();
                }
                yield id | (fifosEnabled() ? IIR_FIFOS_ENABLED : 0);
            }
            case LCR -> lcr;
            case MCR -> mcr;
            case LSR -> {
                int value = lineStatus();
                if ((value & LSR_DR) == 0) lsrPolls++;
                overrun = false;
                if (fifoCount > 0) fifo[fifoHead] &= 0xff;
                updateInterrupt();
                yield value;
            }
            case MSR -> {
                int value = msr;
                msr &= ~MSR_DELTAS;
                updateInterrupt();
                yield value;
            }
            case SCR -> scr;
            case DLL -> divisor & 0xff;
            case DLM -> divisor >> 8;
            case THR, FCR -> OPEN_BUS;
        };
    }

    private void writeRegister(Reg reg, int value) {
        switch (reg) {
            case THR, IER, FCR, LCR, DLL, DLM -> lsrPolls = 0;
            case MCR, SCR, LSR, MSR, RBR, IIR -> {}
        }
        switch (reg) {
            case THR -> transmit(value);
            case IER -> {
                // Enabling the interrupt while THR is empty raises it; drivers test for that at start.
                if ((value & ~ier & IER_ETBEI) != 0) thrEmptyPending = true;
                ier = value & 0x0f;
            }
            case FCR -> {
                // 8.5: changing FCR0 clears the FIFOs, and the other bits are only programmed while it is written as 1.
                boolean toggled = ((value ^ fcr) & FCR_ENABLE) != 0;
                if (toggled || (value & FCR_RESET_RECEIVER) != 0) clearReceiver();
                fcr = (value & FCR_ENABLE) != 0 ? value & FCR_KEPT : 0;
            }
            case LCR -> lcr = value;
            case MCR -> {
                mcr = value & MCR_WRITABLE;
                updateModemInputs();
            }
            case SCR -> scr = value;
            case DLL -> divisor = (divisor & 0xff00) | value;
            case DLM -> divisor = (divisor & 0x00ff) | (value << 8);
            case LSR, MSR, RBR, IIR -> {} // read-only
        }
        updateInterrupt();
    }

    private void transmit(int value) {
        thrEmptyPending = false;
        updateInterrupt();
        if (loop()) {
            if (fifoCount < capacity()) {
                push(value);
            } else {
                overrun = true;
            }
        } else {
            out.put((byte) value);
        }
        thrEmptyPending = true;
    }

    private int identifyInterrupt() {
        if ((ier & IER_ELSI) != 0 && (overrun || (fifoCount > 0 && (fifo[fifoHead] & BREAK) != 0))) return IIR_LINE_STATUS;
        if ((ier & IER_ERBFI) != 0 && fifoCount > 0) return fifoCount >= triggerLevel() ? IIR_DATA_AVAILABLE : IIR_CHARACTER_TIMEOUT;
        if ((ier & IER_ETBEI) != 0 && thrEmptyPending) return IIR_THR_EMPTY;
        if ((ier & IER_EDSSI) != 0 && (msr & MSR_DELTAS) != 0) return IIR_MODEM_STATUS;
        return IIR_NONE;
    }

    private int lineStatus() {
        int value = LSR_THRE | LSR_TEMT;
        if (overrun) value |= LSR_OE;
        if (fifoCount > 0) value |= LSR_DR;
        for (int i = 0; i < fifoCount; i++) {
            if ((fifo[(fifoHead + i) % FIFO_BYTES] & BREAK) == 0) continue;
            if (i == 0) value |= LSR_BI;
            if (fifosEnabled()) value |= LSR_FIFO_ERROR;
        }
        return value;
    }

    /// 8.7: in loopback the four modem outputs are the four modem inputs: DTR is DSR, RTS is CTS, OUT1 is RI, OUT2 is DCD.
    private void updateModemInputs() {
        int inputs = loop() ? ((mcr & 0x01) << 5) | ((mcr & 0x02) << 3) | ((mcr & 0x0c) << 4) : MSR_CONNECTED;
        int deltas = ((msr ^ inputs) >> 4) & MSR_DELTAS;
        if ((inputs & 0x40) != 0) deltas &= ~MSR_TERI; // only the trailing edge of RI counts
        msr = inputs | (msr & MSR_DELTAS) | deltas;
    }

    /// On a PC, OUT2 connects the UART's interrupt output to the bus, and loopback holds the OUT2 pin inactive.
    private void updateInterrupt() {
        boolean level = identifyInterrupt() != IIR_NONE && (mcr & MCR_OUT2) != 0 && !loop();
        if (level == irqLevel) return;
        irqLevel = level;
        irq.set(level);
    }

    private void push(int character) {
        fifo[(fifoHead + fifoCount++) % FIFO_BYTES] = character;
    }

    private int pop() {
        if (fifoCount == 0) return 0;
        int value = fifo[fifoHead] & 0xff;
        fifoHead = (fifoHead + 1) % FIFO_BYTES;
        fifoCount--;
        return value;
    }

    private void clearReceiver() {
        fifoHead = 0;
        fifoCount = 0;
        overrun = false;
    }

    private int capacity() {
        return fifosEnabled() ? FIFO_BYTES : 1;
    }

    private int triggerLevel() {
        if (!fifosEnabled()) return 1;
        return switch (fcr >> 6) {
            case 0 -> 1;
            case 1 -> 4;
            case 2 -> 8;
            default -> 14;
        };
    }

    private boolean fifosEnabled() {
        return (fcr & FCR_ENABLE) != 0;
    }

    private boolean loop() {
        return (mcr & MCR_LOOP) != 0;
    }

    private boolean dlab() {
        return (lcr & LCR_DLAB) != 0;
    }
}
