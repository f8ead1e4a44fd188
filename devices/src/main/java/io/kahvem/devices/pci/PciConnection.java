package io.kahvem.devices.pci;

import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.MsiSink;
import io.kahvem.devices.bus.IoBus;
import java.util.function.IntFunction;

/// What a slot gives the functions in it.
///
/// @param name `00:03.0`, for messages
/// @param pins the line of INTA# (1) to INTD# (4)
record PciConnection(String name, IoBus ports, IoBus mmio, MsiSink msi, IntFunction<InterruptLine> pins) {
    /// The line of INTERRUPT_PIN's value; none for 0.
    InterruptLine pin(int pin) {
        return pin >= 1 && pin <= PciBus.PINS ? pins.apply(pin) : InterruptLine.NONE;
    }
}
