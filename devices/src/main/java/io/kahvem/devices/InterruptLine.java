package io.kahvem.devices;

/// A device's interrupt output: a level, without who delivers it. Any thread.
@FunctionalInterface
public interface InterruptLine {
    void set(boolean level);

    InterruptLine NONE = level -> {};
}
