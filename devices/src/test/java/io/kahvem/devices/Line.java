package io.kahvem.devices;

/// An interrupt line that a test looks at.
public final class Line implements InterruptLine {
    public boolean level;
    public int rises;

    @Override
    public void set(boolean to) {
        if (to && !level) rises++;
        level = to;
    }
}
