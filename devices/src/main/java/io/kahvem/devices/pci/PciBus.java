package io.kahvem.devices.pci;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.MsiSink;
import io.kahvem.devices.bus.IoBus;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// A PCI bus: 32 slots of 8 functions, of which some may be bridges to further buses.
///
/// Functions come and go on any thread; configuration cycles take no lock of the bus'.
public final class PciBus implements Device {
    public static final int SLOTS = 32;
    public static final int FUNCTIONS = 8;
    /// INTA# to INTD#.
    public static final int PINS = 4;

    /// Where a slot's interrupt pins lead.
    @FunctionalInterface
    public interface Pins {
        /// @param pin 1 (INTA#) to 4
        InterruptLine line(int slot, int pin);
    }

    /// What all slots have in common.
    ///
    /// @param ports where I/O BARs go
    /// @param mmio where memory BARs of registers go
    /// @param msi takes message-signalled interrupts
    public record Wiring(IoBus ports, IoBus mmio, MsiSink msi, Pins pins) {}

    private final String name;
    private final Wiring wiring;
    private final AtomicReferenceArray<@Nullable PciFunction> functions = new AtomicReferenceArray<>(SLOTS * FUNCTIONS);

    /// The bus of the host bridge.
    public PciBus(Wiring wiring) {
        this("00", wiring);
    }

    /// @param name what messages call it: the guest gives the numbers
    PciBus(String name, Wiring wiring) {
        this.name = name;
        this.wiring = wiring;
    }

    Wiring wiring() {
        return wiring;
    }

    /// Plugs a function in. A slot with functions above 0 needs a function 0, whose header then tells of them.
    ///
    /// @throws IllegalArgumentException if the place is taken
    public synchronized void add(int slot, int function, PciFunction device) {
        String at = "%s:%02x.%d".formatted(name, slot, function);
        if (!functions.compareAndSet(slot * FUNCTIONS + function, null, device)) {
            throw new IllegalArgumentException("PCI %s is taken".formatted(at));
        }
        device.connect(new PciConnection(at, wiring.ports(), wiring.mmio(), wiring.msi(), pin -> wiring.pins().line(slot, pin)));
        PciFunction first = functions.get(slot * FUNCTIONS);
        boolean others = false;
        for (int i = 1; i < FUNCTIONS; i++) others |= functions.get(slot * FUNCTIONS + i) != null;
        if (first != null && others) first.markMultiFunction();
    }

    /// Plugs a function into the first slot from `from` up that has none, and gives the slot's number.
    ///
    /// @throws IllegalArgumentException if all are taken
    public synchronized int addToFreeSlot(int from, PciFunction device) {
        for (int slot = from; slot < SLOTS; slot++) {
            boolean free = true;
            for (int i = 0; i < FUNCTIONS; i++) free &= functions.get(slot * FUNCTIONS + i) == null;
            if (free) {
                add(slot, 0, device);
                return slot;
            }
        }
        throw new IllegalArgumentException("PCI bus %s has no free slot from %d up".formatted(name, from));
    }

    /// Takes all functions of a slot away; an empty slot is no error.
    public synchronized void remove(int slot) {
        for (int i = 0; i < FUNCTIONS; i++) {
            PciFunction function = functions.getAndSet(slot * FUNCTIONS + i, null);
            if (function != null) function.disconnect();
        }
    }

    /// The function plugged in there, or null.
    public @Nullable PciFunction function(int slot, int function) {
        return functions.get(slot * FUNCTIONS + function);
    }

    /// The function that a configuration cycle reaches: here, where this bus' number is `own`, or behind the bridge that has `number`.
    ///
    /// @param place slot and function, 0 to 255
    @Nullable PciFunction find(int own, int number, int place) {
        if (number == own) return functions.get(place);
        for (int i = 0; i < functions.length(); i++) {
            if (functions.get(i) instanceof PciBridge bridge && bridge.leadsTo(number)) {
                return bridge.secondary().find(bridge.secondaryNumber(), number, place);
            }
        }
        return null;
    }

    @Override
    public void reset() {
        for (int i = 0; i < functions.length(); i++) {
            PciFunction function = functions.get(i);
            if (function != null) function.reset();
        }
    }
}
