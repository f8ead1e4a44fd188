package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;

/// The pair of 8259A interrupt controllers of a PC, the slave on the master's IR2, with the edge/level registers of the EISA bus.
/// ICW and OCW names follow the 8259A data sheet.
///
/// Lock: this object's monitor; the INTR output is driven under it, so that its levels arrive in order.
public final class Pic8259 implements Device {
    private static final int CASCADE = 2;
    private static final int SPURIOUS = 7;
    private static final int NONE = -1;
    private static final int LOWEST = 8;

    private final InterruptLine intr;
    private final Chip master = new Chip(0xf8, 0x01 << CASCADE);
    private final Chip slave = new Chip(0xde, 0);
    private boolean intrLevel;

    /// @param intr the master's INT output, which goes to the CPUs' LINT0
    public Pic8259(InterruptLine intr) {
        this.intr = intr;
    }

    /// The level of ISA interrupt request 0 to 15. Request 2 is the cascade and not an input.
    public synchronized void setIrq(int irq, boolean level) {
        if (irq == CASCADE) return;
        (irq < 8 ? master : slave).setInput(irq & 7, level);
        updateOutputs();
    }

    /// The interrupt-acknowledge cycle: the vector of the request of highest priority, which is now in service. With none pending
    /// the answer is IR7's vector, and nothing is in service (data sheet, "default IR7").
    public synchronized int acknowledge() {
        int vector;
        int irq = master.pending();
        if (irq == NONE) {
            vector = master.vectorBase | SPURIOUS;
        } else {
            vector = master.vectorBase | irq;
            master.acknowledge(irq);
            if (irq == CASCADE) {
                int slaveIrq = slave.pending();
                vector = slave.vectorBase | (slaveIrq == NONE ? SPURIOUS : slaveIrq);
                if (slaveIrq != NONE) slave.acknowledge(slaveIrq);
                master.setInput(CASCADE, false); // INT falls between two requests
            }
        }
        updateOutputs();
        return vector;
    }

    /// Whether any unmasked request waits, that is, the level of INTR.
    public synchronized boolean interruptPending() {
        return intrLevel;
    }

    /// Two ports.
    public IoDevice masterPorts() {
        return new ChipPorts(master);
    }

    /// Two ports.
    public IoDevice slavePorts() {
        return new ChipPorts(slave);
    }

    /// ELCR1 and ELCR2.
    public IoDevice elcrPorts() {
        return new ElcrPorts();
    }

    @Override
    public synchronized void reset() {
        for (Chip chip : new Chip[] {master, slave}) {
            chip.elcr = 0;
            chip.vectorBase = 0;
            chip.initialize();
            chip.irr = 0;
            chip.imr = 0xff; // before ICW1 the part is undefined; silent is the harmless choice
            chip.state = Init.DONE;
        }
        updateOutputs();
    }

    private void updateOutputs() {
        master.setInput(CASCADE, slave.pending() != NONE);
        boolean level = master.pending() != NONE;
        if (level == intrLevel) return;
        intrLevel = level;
        intr.set(level);
    }

    private enum Init { DONE, ICW2, ICW3, ICW4 }

    private static final class Chip {
        private final int elcrWritable;
        private final int cascadeInput;
        private int inputs;
        private int irr;
        private int isr;
        private int imr = 0xff;
        private int elcr;
        private int vectorBase;
        /// The IR line of highest priority.
        private int highest;
        private boolean levelTriggered;
        private boolean needsIcw4;
        private boolean single;
        private boolean autoEoi;
        private boolean rotateOnAutoEoi;
        private boolean specialMask;
        private boolean specialFullyNested;
        private boolean readIsr;
        private boolean poll;
        private Init state = Init.DONE;

        Chip(int elcrWritable, int cascadeInput) {
            this.elcrWritable = elcrWritable;
            this.cascadeInput = cascadeInput;
        }

        void setInput(int irq, boolean level) {
            int bit = 1 << irq;
            if (isLevel(irq)) {
                irr = level ? irr | bit : irr & ~bit;
            } else if (level && (inputs & bit) == 0) {
                irr |= bit;
            } else if (!level && bit == cascadeInput) {
                irr &= ~bit; // the slave took its request back; for devices an edge stays latched, so a withdrawn one is not a spurious IR7
            }
            inputs = level ? inputs | bit : inputs & ~bit;
        }

        /// The request that INT is raised for, or NONE.
        int pending() {
            int priority = priorityOf(irr & ~imr);
            if (priority == LOWEST) return NONE;
            int blocking = isr;
            if (specialMask) blocking &= ~imr;
            if (specialFullyNested) blocking &= ~cascadeInput;
            return priority < priorityOf(blocking) ? (priority + highest) & 7 : NONE;
        }

        void acknowledge(int irq) {
            int bit = 1 << irq;
            if (!isLevel(irq)) irr &= ~bit;
            if (!autoEoi) {
                isr |= bit;
            } else if (rotateOnAutoEoi) {
                highest = (irq + 1) & 7;
            }
        }

        int readPort(int a0) {
            if (poll) {
                poll = false;
                int irq = pending();
                if (irq == NONE) return SPURIOUS;
                acknowledge(irq);
                return 0x80 | irq;
            }
            if (a0 == 1) return imr;
            return readIsr ? isr : irr;
        }

        void writePort(int a0, int value) {
            if (a0 == 0) {
                if ((value & 0x10) != 0) {
                    icw1(value);
                } else if ((value & 0x08) != 0) {
                    ocw3(value);
                } else {
                    ocw2(value);
                }
                return;
            }
            switch (state) {
                case DONE -> imr = value; // OCW1
                case ICW2 -> {
                    vectorBase = value & 0xf8;
                    state = !single ? Init.ICW3 : needsIcw4 ? Init.ICW4 : Init.DONE;
                }
                case ICW3 -> state = needsIcw4 ? Init.ICW4 : Init.DONE; // the board's wiring is fixed
                case ICW4 -> {
                    autoEoi = (value & 0x02) != 0;
                    specialFullyNested = (value & 0x10) != 0;
                    state = Init.DONE;
                }
            }
        }

        private void icw1(int value) {
            initialize();
            needsIcw4 = (value & 0x01) != 0;
            single = (value & 0x02) != 0;
            levelTriggered = (value & 0x08) != 0;
            state = Init.ICW2;
        }

        /// What ICW1 does of itself: edges forgotten, mask and in-service cleared, IR7 lowest, IRR to be read.
        private void initialize() {
            levelTriggered = false;
            irr = inputs & elcr;
            isr = 0;
            imr = 0;
            highest = 0;
            autoEoi = false;
            rotateOnAutoEoi = false;
            specialMask = false;
            specialFullyNested = false;
            readIsr = false;
            poll = false;
        }

        private void ocw2(int value) {
            int level = value & 7;
            switch (value >> 5) {
                case 0 -> rotateOnAutoEoi = false;
                case 4 -> rotateOnAutoEoi = true;
                case 1, 5 -> {
                    int priority = priorityOf(isr);
                    if (priority == LOWEST) return;
                    int irq = (priority + highest) & 7;
                    isr &= ~(1 << irq);
                    if ((value & 0x80) != 0) highest = (irq + 1) & 7;
                }
                case 3 -> isr &= ~(1 << level);
                case 6 -> highest = (level + 1) & 7;
                case 7 -> {
                    isr &= ~(1 << level);
                    highest = (level + 1) & 7;
                }
                default -> {} // 2 is no operation
            }
        }

        private void ocw3(int value) {
            if ((value & 0x04) != 0) poll = true;
            if ((value & 0x02) != 0) readIsr = (value & 0x01) != 0;
            if ((value & 0x40) != 0) specialMask = (value & 0x20) != 0;
        }

        /// 0 for the highest priority among `bits`, 8 for no bit at all.
        private int priorityOf(int bits) {
            if (bits == 0) return LOWEST;
            int rotated = ((bits >> highest) | (bits << (8 - highest))) & 0xff;
            return Integer.numberOfTrailingZeros(rotated);
        }

        private boolean isLevel(int irq) {
            return levelTriggered || (elcr & (1 << irq)) != 0;
        }
    }

    private final class ChipPorts implements IoDevice {
        private final Chip chip;

        ChipPorts(Chip chip) {
            this.chip = chip;
        }

        @Override
        public int widestAccess() {
            return 1;
        }

        @Override
        public long read(long offset, int size) {
            synchronized (Pic8259.this) {
                int value = chip.readPort((int) offset);
                updateOutputs();
                return value;
            }
        }

        @Override
        public void write(long offset, int size, long value) {
            synchronized (Pic8259.this) {
                chip.writePort((int) offset, (int) value & 0xff);
                updateOutputs();
            }
        }
    }

    private final class ElcrPorts implements IoDevice {
        @Override
        public int widestAccess() {
            return 1;
        }

        @Override
        public long read(long offset, int size) {
            synchronized (Pic8259.this) {
                return (offset == 0 ? master : slave).elcr;
            }
        }

        @Override
        public void write(long offset, int size, long value) {
            synchronized (Pic8259.this) {
                Chip chip = offset == 0 ? master : slave;
                chip.elcr = (int) value & chip.elcrWritable;
                updateOutputs();
            }
        }
    }
}
