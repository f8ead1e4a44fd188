package io.kahvem.devices;

/// A part of the machine with state of its own.
public interface Device {
    /// Puts the device into the state the machine's RESET# gives it.
    void reset();
}
