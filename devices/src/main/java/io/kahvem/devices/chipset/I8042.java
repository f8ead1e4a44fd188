package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.BytePort;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/// The 8042 keyboard controller of a PC with a keyboard and a mouse. Command names follow IBM's PS/2 technical reference.
///
/// It takes no time: the input buffer is always empty and an answer is there at once. A20 is remembered and changes nothing.
///
/// Lock: this object's monitor, which guards the two devices too; the interrupt lines are driven under it, `onReset` is called outside it.
public final class I8042 implements Device {
    private static final int STATUS_OBF = 0x01;
    private static final int STATUS_SYS = 0x04;
    private static final int STATUS_COMMAND = 0x08;
    /// The keyboard's lock is open.
    private static final int STATUS_UNLOCKED = 0x10;
    private static final int STATUS_AUX = 0x20;

    private static final int CTR_KEYBOARD_INTERRUPT = 0x01;
    private static final int CTR_AUX_INTERRUPT = 0x02;
    private static final int CTR_SYS = 0x04;
    private static final int CTR_KEYBOARD_DISABLED = 0x10;
    private static final int CTR_AUX_DISABLED = 0x20;
    private static final int CTR_TRANSLATE = 0x40;

    private static final int WRITE_CTR = 0x60;
    private static final int WRITE_OUTPUT_PORT = 0xd1;
    private static final int WRITE_KEYBOARD_OUTPUT = 0xd2;
    private static final int WRITE_AUX_OUTPUT = 0xd3;
    private static final int WRITE_AUX = 0xd4;
    private static final int NO_COMMAND = 0;

    private static final int OUTPUT_PORT_NOT_RESET = 0x01;
    private static final int OUTPUT_PORT_A20 = 0x02;

    /// Beside a queued byte: it counts as the mouse's.
    private static final int FROM_AUX = 0x100;
    private static final int RAM_BYTES = 0x20;

    private final InterruptLine irq1;
    private final InterruptLine irq12;
    private final Runnable onReset;
    private final Ps2Keyboard keyboard = new Ps2Keyboard();
    private final Ps2Mouse mouse = new Ps2Mouse();
    private final Deque<Integer> answers = new ArrayDeque<>();
    /// Byte 0 is the command byte.
    private final byte[] ram = new byte[RAM_BYTES];
    private int outputPort;
    private int awaiting;
    private boolean lastWasCommand;
    private boolean full;
    /// The output buffer, with FROM_AUX.
    private int output;
    private boolean irq1Level;
    private boolean irq12Level;

    public I8042(InterruptLine irq1, InterruptLine irq12, Runnable onReset) {
        this.irq1 = irq1;
        this.irq12 = irq12;
        this.onReset = onReset;
        reset();
    }

    /// Port 0x60.
    public IoDevice dataPort() {
        return new BytePort(this::readData, this::writeData);
    }

    /// Port 0x64.
    public IoDevice commandPort() {
        return new BytePort(this::readStatus, this::writeCommand);
    }

    /// The state that firmware leaves: tested, translating, the keyboard's interrupt on.
    @Override
    public synchronized void reset() {
        Arrays.fill(ram, (byte) 0);
        ram[0] = CTR_TRANSLATE | CTR_SYS | CTR_KEYBOARD_INTERRUPT;
        outputPort = OUTPUT_PORT_NOT_RESET | OUTPUT_PORT_A20;
        awaiting = NO_COMMAND;
        lastWasCommand = false;
        full = false;
        output = 0;
        answers.clear();
        keyboard.powerOn();
        mouse.powerOn();
        update();
    }

    /// A key of the keyboard goes down or up. Any thread.
    public synchronized void key(Key key, boolean down) {
        keyboard.key(key, down);
        update();
    }

    private synchronized int readStatus() {
        int status = STATUS_UNLOCKED;
        if (full) status |= STATUS_OBF;
        if (full && (output & FROM_AUX) != 0) status |= STATUS_AUX;
        if ((ram[0] & CTR_SYS) != 0) status |= STATUS_SYS;
        if (lastWasCommand) status |= STATUS_COMMAND;
        return status;
    }

    private synchronized int readData() {
        int value = output & 0xff;
        full = false;
        updateInterrupts(); // the line falls between two bytes, so that each has its edge
        update();
        return value;
    }

    private void writeData(int value) {
        boolean reset = false;
        synchronized (this) {
            lastWasCommand = false;
            int command = awaiting;
            awaiting = NO_COMMAND;
            switch (command) {
                case NO_COMMAND -> {
                    ram[0] &= ~CTR_KEYBOARD_DISABLED;
                    keyboard.receive(value);
                }
                case WRITE_OUTPUT_PORT -> {
                    outputPort = value | OUTPUT_PORT_NOT_RESET;
                    reset = (value & OUTPUT_PORT_NOT_RESET) == 0;
                }
                case WRITE_KEYBOARD_OUTPUT -> answers.add(value);
                case WRITE_AUX_OUTPUT -> answers.add(value | FROM_AUX);
                case WRITE_AUX -> {
                    ram[0] &= ~CTR_AUX_DISABLED;
                    mouse.receive(value);
                }
                default -> ram[command & (RAM_BYTES - 1)] = (byte) value;
            }
            update();
        }
        if (reset) onReset.run();
    }

    private void writeCommand(int command) {
        boolean reset = false;
        synchronized (this) {
            lastWasCommand = true;
            awaiting = NO_COMMAND;
            switch (command) {
                case WRITE_OUTPUT_PORT, WRITE_KEYBOARD_OUTPUT, WRITE_AUX_OUTPUT, WRITE_AUX -> awaiting = command;
                case 0xa7 -> ram[0] |= CTR_AUX_DISABLED;
                case 0xa8 -> ram[0] &= ~CTR_AUX_DISABLED;
                case 0xa9, 0xab -> answers.add(0x00); // the mouse's and the keyboard's lines are well
                case 0xaa -> {
                    ram[0] |= CTR_SYS;
                    answers.add(0x55); // self-test passed
                }
                case 0xad -> ram[0] |= CTR_KEYBOARD_DISABLED;
                case 0xae -> ram[0] &= ~CTR_KEYBOARD_DISABLED;
                case 0xc0 -> answers.add(0x80); // input port: unlocked
                case 0xd0 -> answers.add(outputPort | (irq1Level ? 0x10 : 0) | (irq12Level ? 0x20 : 0));
                case 0xdd -> outputPort &= ~OUTPUT_PORT_A20;
                case 0xdf -> outputPort |= OUTPUT_PORT_A20;
                default -> {
                    if (command >= 0x20 && command < 0x40) {
                        answers.add(ram[command & (RAM_BYTES - 1)] & 0xff);
                    } else if (command >= WRITE_CTR && command < WRITE_CTR + RAM_BYTES) {
                        awaiting = command;
                    } else if (command >= 0xf0) {
                        reset = (command & OUTPUT_PORT_NOT_RESET) == 0; // pulses the output lines whose bits are 0
                    }
                }
            }
            update();
        }
        if (reset) onReset.run();
    }

    /// Fills an empty output buffer: the controller's own answers first, then what an enabled device has.
    private void update() {
        if (!full) {
            if (!answers.isEmpty()) {
                fill(answers.remove());
            } else if ((ram[0] & CTR_KEYBOARD_DISABLED) == 0 && keyboard.hasOutput()) {
                fill(fromKeyboard());
            } else if ((ram[0] & CTR_AUX_DISABLED) == 0 && mouse.hasOutput()) {
                fill(mouse.nextOutput() | FROM_AUX);
            }
        }
        updateInterrupts();
    }

    private void fill(int value) {
        output = value;
        full = true;
    }

    private void updateInterrupts() {
        boolean aux = (output & FROM_AUX) != 0;
        boolean level1 = full && !aux && (ram[0] & CTR_KEYBOARD_INTERRUPT) != 0;
        boolean level12 = full && aux && (ram[0] & CTR_AUX_INTERRUPT) != 0;
        if (level1 != irq1Level) {
            irq1Level = level1;
            irq1.set(level1);
        }
        if (level12 != irq12Level) {
            irq12Level = level12;
            irq12.set(level12);
        }
    }

    /// The keyboard's next byte, translated from scan code set 2 to set 1 where the command byte says so: a key that is let go is one byte
    /// then. Beside keys' codes the keyboard's identity and its answers to a query of its set are translated.
    private int fromKeyboard() {
        int value = keyboard.nextOutput();
        if ((ram[0] & CTR_TRANSLATE) == 0) return value;
        if (value == Ps2Keyboard.RELEASED) return Key.toSet1(keyboard.nextOutput()) | 0x80;
        int set1 = Key.toSet1(value);
        if (set1 != 0) return set1;
        return value == 0x02 ? 0x41 : value; // nothing makes it but the query
    }
}
