package io.kahvem.devices.chipset;

/// A PS/2 keyboard that answers every command and whose keys nobody presses. Command names follow IBM's PS/2 keyboard reference.
final class Ps2Keyboard extends Ps2Device {
    private static final int NO_COMMAND = 0;
    private static final int SET_LEDS = 0xed;
    private static final int ECHO = 0xee;
    private static final int SCAN_CODE_SET = 0xf0;
    private static final int IDENTIFY = 0xf2;
    private static final int SET_TYPEMATIC = 0xf3;
    private static final int ENABLE = 0xf4;
    private static final int RESEND_LAST = 0xfe;
    private static final int RESET = 0xff;
    /// Bytes from here up are commands, also where an argument is due.
    private static final int FIRST_COMMAND = 0xed;

    private int awaiting = NO_COMMAND;
    private int scanCodeSet = 2;

    @Override
    void receive(int value) {
        if (awaiting != NO_COMMAND && value < FIRST_COMMAND) {
            argument(value);
            return;
        }
        awaiting = NO_COMMAND;
        switch (value) {
            case SET_LEDS, SET_TYPEMATIC, SCAN_CODE_SET, 0xfb, 0xfc, 0xfd -> {
                awaiting = value;
                send(ACK);
            }
            case ECHO -> send(ECHO);
            case IDENTIFY -> send(ACK, 0xab, 0x83); // an MF2 keyboard
            // default disable, set default, and the set-all-keys commands of scan code set 3
            case ENABLE, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa -> send(ACK);
            case RESEND_LAST -> send(lastSent());
            case RESET -> {
                powerOn();
                send(ACK, SELF_TEST_PASSED);
            }
            default -> send(RESEND);
        }
    }

    @Override
    void powerOn() {
        super.powerOn();
        awaiting = NO_COMMAND;
        scanCodeSet = 2;
    }

    private void argument(int value) {
        int command = awaiting;
        awaiting = NO_COMMAND;
        if (command != SCAN_CODE_SET) {
            send(ACK);
        } else if (value == 0) {
            send(ACK, scanCodeSet);
        } else if (value <= 3) {
            scanCodeSet = value;
            send(ACK);
        } else {
            send(RESEND);
        }
    }
}
