package io.kahvem.devices.pci;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciFunction.BarKind;
import io.kahvem.host.Mapping;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import org.jspecify.annotations.Nullable;

/// A base address register's effect: registers on a bus, or memory in a slot, at the place that the guest has chosen.
///
/// Where memory would overlap other memory it stays out of reach until the guest writes the register or COMMAND again.
///
/// Lock: its function's.
final class BaseAddress {
    private static final int ROM_ENABLE = 1;
    private static final long PORTS = 0x1_0000;

    /// Memory behind a BAR.
    record Slot(GuestMemory memory, Mapping mapping) {}

    private final int register;
    private final BarKind kind;
    private final long sizeBytes;
    private final @Nullable IoDevice device;
    private final @Nullable Slot slot;

    private @Nullable PciConnection connection;
    private long placedAt;
    private IoBus.@Nullable Claim claim;
    private @Nullable MemorySlot mapped;

    BaseAddress(int register, BarKind kind, long sizeBytes, @Nullable IoDevice device, @Nullable Slot slot) {
        if (Long.bitCount(sizeBytes) != 1 || sizeBytes < (kind == BarKind.IO ? 4 : 16)) {
            throw new IllegalArgumentException("a BAR of %#x bytes".formatted(sizeBytes));
        }
        this.register = register;
        this.kind = kind;
        this.sizeBytes = sizeBytes;
        this.device = device;
        this.slot = slot;
    }

    int register() {
        return register;
    }

    BarKind kind() {
        return kind;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    void connect(PciConnection to) {
        connection = to;
    }

    void disconnect() {
        take();
        connection = null;
    }

    /// Follows COMMAND and the register, `high` being its second half if it has one. Address 0 counts as none, as does what is past the
    /// end of the ports.
    void place(int command, int low, int high) {
        long at = (low & 0xffff_ffffL | (long) high << 32) & -sizeBytes;
        boolean decoded = (command & (kind == BarKind.IO ? PciFunction.COMMAND_IO : PciFunction.COMMAND_MEMORY)) != 0
                && (register != PciFunction.EXPANSION_ROM || (low & ROM_ENABLE) != 0);
        boolean reachable = at > 0 && at + sizeBytes > 0 && (kind != BarKind.IO || at + sizeBytes <= PORTS);
        long wanted = decoded && reachable ? at : 0;
        boolean there = claim != null || mapped != null;
        if (wanted == placedAt && there == (wanted != 0)) return;
        take();
        if (wanted != 0) put(wanted);
    }

    private void put(long at) {
        PciConnection to = connection;
        if (to == null) return;
        placedAt = at;
        if (slot != null) {
            mapped = slot.memory.addIfFree(at, slot.mapping, false);
        } else if (device != null) {
            claim = (kind == BarKind.IO ? to.ports() : to.mmio()).claim("%s BAR %#x".formatted(to.name(), register), at, sizeBytes, device);
        }
    }

    private void take() {
        PciConnection from = connection;
        if (claim != null && from != null) (kind == BarKind.IO ? from.ports() : from.mmio()).release(claim);
        if (mapped != null && slot != null) slot.memory.remove(mapped);
        claim = null;
        mapped = null;
        placedAt = 0;
    }
}
