package io.kahvem.devices.chipset;

/// What the chipset asks of the machine around it. Called on a vCPU thread with no device's lock held; must not wait for a vCPU.
public interface MachineEvents {
    /// The guest asked for ACPI S5.
    void powerOff();

    /// The guest asked for a reset, by whichever of the PC's ways.
    void reset();

    /// The guest wrote this value (up to 32 bits) to isa-debug-exit; never called where that device is not fitted.
    void debugExit(int value);

    /// The guest told by pvpanic that it has panicked.
    void guestPanicked();

    /// The guest told by pvpanic that it has panicked, and goes on to a kernel that saves what happened.
    void crashLoaded();
}
