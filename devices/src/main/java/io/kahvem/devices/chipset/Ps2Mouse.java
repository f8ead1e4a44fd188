package io.kahvem.devices.chipset;

/// A PS/2 mouse that answers every command and that nobody moves. Command names follow IBM's PS/2 mouse reference.
final class Ps2Mouse extends Ps2Device {
    private static final int NO_COMMAND = 0;
    private static final int SET_RESOLUTION = 0xe8;
    private static final int STATUS_REQUEST = 0xe9;
    private static final int READ_DATA = 0xeb;
    private static final int RESET_WRAP = 0xec;
    private static final int SET_WRAP = 0xee;
    private static final int READ_DEVICE_TYPE = 0xf2;
    private static final int SET_SAMPLE_RATE = 0xf3;
    private static final int RESET = 0xff;
    private static final int STANDARD_MOUSE = 0x00;
    private static final int NO_MOVEMENT = 0x08;

    private int awaiting = NO_COMMAND;
    private boolean wrap;
    private boolean enabled;
    private boolean remote;
    private boolean doubled;
    private int resolution = 2;
    private int sampleRate = 100;

    @Override
    void receive(int value) {
        if (wrap && value != RESET && value != RESET_WRAP) {
            send(value);
            return;
        }
        if (awaiting != NO_COMMAND) {
            if (awaiting == SET_RESOLUTION) {
                resolution = value;
            } else {
                sampleRate = value;
            }
            awaiting = NO_COMMAND;
            send(ACK);
            return;
        }
        switch (value) {
            case 0xe6 -> acknowledge(() -> doubled = false);
            case 0xe7 -> acknowledge(() -> doubled = true);
            case SET_RESOLUTION, SET_SAMPLE_RATE -> acknowledge(() -> awaiting = value);
            case STATUS_REQUEST -> send(ACK, (remote ? 0x40 : 0) | (enabled ? 0x20 : 0) | (doubled ? 0x10 : 0), resolution, sampleRate);
            case 0xea -> acknowledge(() -> remote = false);
            case READ_DATA -> send(ACK, NO_MOVEMENT, 0, 0);
            case RESET_WRAP -> acknowledge(() -> wrap = false);
            case SET_WRAP -> acknowledge(() -> wrap = true);
            case 0xf0 -> acknowledge(() -> remote = true);
            case READ_DEVICE_TYPE -> send(ACK, STANDARD_MOUSE);
            case 0xf4 -> acknowledge(() -> enabled = true);
            case 0xf5 -> acknowledge(() -> enabled = false);
            case 0xf6 -> acknowledge(this::defaults);
            case RESET -> {
                powerOn();
                send(ACK, SELF_TEST_PASSED, STANDARD_MOUSE);
            }
            default -> send(RESEND);
        }
    }

    @Override
    void powerOn() {
        super.powerOn();
        awaiting = NO_COMMAND;
        wrap = false;
        defaults();
    }

    private void defaults() {
        enabled = false;
        remote = false;
        doubled = false;
        resolution = 2;
        sampleRate = 100;
    }

    private void acknowledge(Runnable effect) {
        effect.run();
        send(ACK);
    }
}
