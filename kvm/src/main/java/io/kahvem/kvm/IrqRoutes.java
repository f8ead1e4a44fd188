package io.kahvem.kvm;

import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The kernel's table of interrupt routes, each a message for a number (GSI).
///
/// The first [#IOAPIC_PINS] numbers are for level-triggered messages, which our I/O APIC sends itself: the kernel reports the end of such
/// an interrupt (KVM_EXIT_IOAPIC_EOI) only for vectors that one of them has. A message is entered when it is first sent; when all places
/// are taken the oldest goes, which the guest has programmed away by then. The other numbers are for irqfds.
///
/// Guarded by the VM's message lock.
final class IrqRoutes {
    static final int IOAPIC_PINS = 24;

    private static final int MSI_LEVEL = 1 << 15;

    private final KvmFile vm;
    private final long[] addresses;
    private final int[] data;
    private final boolean[] used;
    private int oldestPin;

    IrqRoutes(KvmFile vm, int capacity) {
        this.vm = vm;
        addresses = new long[capacity];
        data = new int[capacity];
        used = new boolean[capacity];
    }

    static boolean isLevel(int message) {
        return (message & MSI_LEVEL) != 0;
    }

    /// Makes sure that the end of this level-triggered interrupt is reported.
    void expectEnd(long address, int message) {
        for (int pin = 0; pin < IOAPIC_PINS; pin++) {
            if (used[pin] && addresses[pin] == address && data[pin] == message) return;
        }
        int pin = oldestPin;
        oldestPin = (oldestPin + 1) % IOAPIC_PINS;
        put(pin, address, message);
    }

    /// A number for this message, for an irqfd.
    int add(long address, int message) {
        for (int gsi = IOAPIC_PINS; gsi < used.length; gsi++) {
            if (!used[gsi]) {
                put(gsi, address, message);
                return gsi;
            }
        }
        throw new HypervisorException("cannot route another interrupt: KVM_CAP_IRQ_ROUTING allows " + used.length + " routes");
    }

    void remove(int gsi) {
        used[gsi] = false;
        commit();
    }

    private void put(int gsi, long address, int message) {
        addresses[gsi] = address;
        data[gsi] = message;
        used[gsi] = true;
        commit();
    }

    private void commit() {
        int count = 0;
        for (boolean route : used) count += route ? 1 : 0;
        try (Arena arena = Arena.ofConfined()) {
            long size = Structs.IRQ_ROUTING_ENTRY.byteSize();
            long head = Structs.IRQ_ROUTING.byteSize();
            MemorySegment table = arena.allocate(head + count * size, 8);
            new Struct(Structs.IRQ_ROUTING, table).set("nr", count);
            int n = 0;
            for (int gsi = 0; gsi < used.length; gsi++) {
                if (!used[gsi]) continue;
                Struct entry = new Struct(Structs.IRQ_ROUTING_ENTRY, table.asSlice(head + n++ * size, size));
                entry.set("gsi", gsi).set("type", Constants.KVM_IRQ_ROUTING_MSI);
                entry.set("u.msi.address_lo", addresses[gsi]).set("u.msi.address_hi", addresses[gsi] >>> 32).set("u.msi.data", data[gsi]);
            }
            vm.request(Request.KVM_SET_GSI_ROUTING, table.address(), "route an interrupt");
        }
    }
}
