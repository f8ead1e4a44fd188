package io.kahvem.devices.pci;

import io.kahvem.devices.InterruptLine;

/// A function's interrupt pin: asserted by the device, let through while COMMAND does not disable it.
///
/// Lock: this object's monitor, taken last; the line is driven under it.
final class IntxPin {
    private InterruptLine line = InterruptLine.NONE;
    private boolean asserted;
    private boolean disabled;
    private boolean driven;

    synchronized boolean asserted() {
        return asserted;
    }

    synchronized void set(boolean level) {
        asserted = level;
        drive();
    }

    synchronized void setDisabled(boolean on) {
        disabled = on;
        drive();
    }

    synchronized void connect(InterruptLine to) {
        if (driven) line.set(false);
        driven = false;
        line = to;
        drive();
    }

    private void drive() {
        boolean level = asserted && !disabled;
        if (level == driven) return;
        driven = level;
        line.set(level);
    }
}
