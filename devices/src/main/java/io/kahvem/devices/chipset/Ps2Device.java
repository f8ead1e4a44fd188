package io.kahvem.devices.chipset;

import java.util.ArrayDeque;
import java.util.Deque;

/// A device on a PS/2 port of the [I8042], which guards it with its own lock. Answers wait here until the controller fetches them.
abstract sealed class Ps2Device permits Ps2Keyboard, Ps2Mouse {
    static final int ACK = 0xfa;
    static final int RESEND = 0xfe;
    static final int SELF_TEST_PASSED = 0xaa;

    private final Deque<Integer> output = new ArrayDeque<>();
    private int lastSent;

    /// Takes a byte from the host.
    abstract void receive(int value);

    final boolean hasOutput() {
        return !output.isEmpty();
    }

    final int waiting() {
        return output.size();
    }

    final int nextOutput() {
        lastSent = output.remove();
        return lastSent;
    }

    final int lastSent() {
        return lastSent;
    }

    final void send(int... values) {
        for (int value : values) output.add(value);
    }

    /// Power-on state; subclasses add theirs.
    void powerOn() {
        output.clear();
        lastSent = 0;
    }
}
