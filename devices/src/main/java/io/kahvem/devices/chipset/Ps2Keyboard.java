package io.kahvem.devices.chipset;

/// A PS/2 keyboard that answers every command. Its keys are pressed by whoever plays the user. Command names follow IBM's PS/2 keyboard
/// reference.
final class Ps2Keyboard extends Ps2Device {
    private static final int NO_COMMAND = 0;
    private static final int SET_LEDS = 0xed;
    private static final int ECHO = 0xee;
    private static final int SCAN_CODE_SET = 0xf0;
    private static final int IDENTIFY = 0xf2;
    private static final int SET_TYPEMATIC = 0xf3;
    private static final int ENABLE = 0xf4;
    private static final int DISABLE = 0xf5;
    /// Before a key's code in set 2, when it is let go.
    static final int RELEASED = 0xf0;
    private static final int RELEASED_IN_SET_1 = 0x80;
    private static final int EXTENDED = 0xe0;
    private static final int MOST_WAITING = 250;
    private static final int RESEND_LAST = 0xfe;
    private static final int RESET = 0xff;
    /// Bytes from here up are commands, also where an argument is due.
    private static final int FIRST_COMMAND = 0xed;

    private int awaiting = NO_COMMAND;
    private int scanCodeSet = 2;
    private boolean scanning = true;

    /// A key goes down or up. One that comes while scanning is off, or faster than the guest reads, is lost, as at a keyboard.
    void key(Key key, boolean down) {
        if (!scanning || waiting() > MOST_WAITING) return;
        if (key.extended()) send(EXTENDED);
        if (scanCodeSet == 1) {
            send(key.set1() | (down ? 0 : RELEASED_IN_SET_1));
        } else {
            if (!down) send(RELEASED);
            send(key.set2());
        }
    }

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
            case ENABLE, DISABLE -> {
                scanning = value == ENABLE;
                send(ACK);
            }
            case 0xf6, 0xf7, 0xf8, 0xf9, 0xfa -> send(ACK); // set default, and the set-all-keys commands of scan code set 3
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
        scanning = true;
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
