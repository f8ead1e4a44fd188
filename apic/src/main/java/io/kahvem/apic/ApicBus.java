package io.kahvem.apic;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// All local APICs of a machine, and the wires to them: finds whom an interrupt message is for (SDM Vol. 3A, 12.6.2).
///
/// APICs are added before vCPUs run; everything else on any thread. Holds no lock while it calls an APIC.
public final class ApicBus {
    private static final int BROADCAST_8 = 0xff;

    private volatile LocalApic[] apics = {};

    public synchronized void add(LocalApic apic) {
        LocalApic[] grown = Arrays.copyOf(apics, apics.length + 1);
        grown[apics.length] = apic;
        apics = grown;
    }

    /// A message-signalled interrupt (SDM Vol. 3A, 12.11). Addresses outside FEExxxxxH mean nothing here.
    public void sendMsi(long address, int data) {
        if (address >>> 20 != 0xfee) return;
        int destination = (int) (address >>> 12) & 0xff;
        boolean logical = (address & 1 << 2) != 0;
        boolean redirectable = (address & 1 << 3) != 0;
        int mode = data >>> 8 & 7;
        if (redirectable && mode == Delivery.FIXED && logical) mode = Delivery.LOWEST_PRIORITY;
        boolean level = (data & 1 << 15) != 0;
        if (level && (data & 1 << 14) == 0) return; // de-assert
        send(destination, destination == BROADCAST_8, logical, mode, data & 0xff, level);
    }

    /// Delivers to every APIC a destination names; `broadcast` says that it names all of them.
    void send(int destination, boolean broadcast, boolean logical, int mode, int vector, boolean level) {
        LocalApic chosen = null;
        for (LocalApic apic : apics) {
            if (!broadcast && !apic.matches(destination, logical)) continue;
            if (mode == Delivery.LOWEST_PRIORITY) {
                chosen = lower(chosen, apic);
            } else {
                apic.accept(vector, mode, level);
            }
        }
        if (chosen != null) chosen.accept(vector, Delivery.FIXED, level);
    }

    /// The shorthands of an interprocessor interrupt: all, or all but the sender.
    void sendToAll(LocalApic sender, boolean includeSelf, int mode, int vector) {
        LocalApic chosen = null;
        for (LocalApic apic : apics) {
            if (apic == sender && !includeSelf) continue;
            if (mode == Delivery.LOWEST_PRIORITY) {
                chosen = lower(chosen, apic);
            } else {
                apic.accept(vector, mode, false);
            }
        }
        if (chosen != null) chosen.accept(vector, Delivery.FIXED, false);
    }

    /// The level of the 8259 pair's INTR, wired to every LINT0.
    public void setIntr(boolean level) {
        for (LocalApic apic : apics) apic.setIntr(level);
    }

    /// Pulses the bootstrap processor's LINT1.
    public void pulseNmi() {
        for (LocalApic apic : apics) {
            if (apic.bootstrap()) apic.pulseLint1();
        }
    }

    private static @Nullable LocalApic lower(@Nullable LocalApic a, LocalApic b) {
        if (!b.accepting()) return a;
        return a == null || b.processorPriority() < a.processorPriority() ? b : a;
    }
}
