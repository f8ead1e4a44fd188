package io.kahvem.kvm;

import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.kvm.abi.Capability;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Guest memory as the kernel's memory slots, with its log of written pages: a bitmap a slot, or a ring a vCPU.
///
/// Lock: this object's monitor, under which the VM's requests are made; no device is called.
final class MemorySlots {
    private final KvmFile vm;
    private final GuestMemory memory;
    private final List<MemorySlot> slots;
    private final @Nullable DirtyRings rings;
    private boolean logging;

    /// Tells the kernel all of `memory`. `ringEntries` is 0 for bitmaps.
    MemorySlots(KvmFile vm, GuestMemory memory, int ringEntries) {
        this.vm = vm;
        this.memory = memory;
        this.slots = new ArrayList<>(memory.slots());
        int most = vm.check(Capability.NR_MEMSLOTS);
        if (most > 0 && slots.size() > most) {
            throw new HypervisorException("this host's KVM has at most %d memory slots, not %d".formatted(most, slots.size()));
        }
        this.rings = ringEntries == 0 ? null : DirtyRings.enable(vm, ringEntries, slots);
        for (int n = 0; n < slots.size(); n++) set(n, 0);
    }

    private void set(int number, int flags) {
        MemorySlot slot = slots.get(number);
        if (slot.readOnly() && !vm.has(Capability.READONLY_MEM)) {
            throw new HypervisorException("this host's KVM lacks KVM_CAP_READONLY_MEM, which firmware needs");
        }
        try (Arena arena = Arena.ofConfined()) {
            Struct region = Struct.allocate(arena, Structs.USERSPACE_MEMORY_REGION);
            region.set("slot", number).set("flags", flags | (slot.readOnly() ? Constants.KVM_MEM_READONLY : 0));
            region.set("guest_phys_addr", slot.gpa()).set("memory_size", slot.sizeBytes()).set("userspace_addr", slot.hva(slot.gpa()));
            vm.request(Request.KVM_SET_USER_MEMORY_REGION, region.address(), "give the guest its " + slot);
        }
    }

    void vcpuCreated(KvmFile vcpu) {
        if (rings != null) rings.add(vcpu);
    }

    synchronized void setDirtyLogging(boolean on) {
        if (on == logging) return;
        logging = on;
        memory.setDirtyLogging(on);
        for (int n = 0; n < slots.size(); n++) {
            if (!slots.get(n).readOnly()) set(n, on ? Constants.KVM_MEM_LOG_DIRTY_PAGES : 0);
        }
        if (rings != null && !on) rings.forget();
    }

    synchronized BitSet takeDirtyPages(MemorySlot slot) {
        int number = slots.indexOf(slot);
        if (number < 0) throw new IllegalArgumentException(slot + " is not of this machine");
        if (!logging || slot.readOnly()) return new BitSet();
        BitSet pages = rings != null ? rings.take(number) : takeBitmap(number, slot);
        pages.or(slot.takeDirty()); // what devices wrote
        return pages;
    }

    private BitSet takeBitmap(int number, MemorySlot slot) {
        long pages = slot.sizeBytes() >>> GuestMemory.PAGE_SHIFT;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bitmap = arena.allocate((pages + 63) / 64 * 8, 8);
            Struct log = Struct.allocate(arena, Structs.DIRTY_LOG).set("slot", number).set("dirty_bitmap", bitmap.address());
            vm.request(Request.KVM_GET_DIRTY_LOG, log.address(), "learn which pages were written");
            return BitSet.valueOf(bitmap.toArray(ValueLayout.JAVA_LONG));
        }
    }

    /// A vCPU's ring is full: makes room.
    synchronized void ringFull() {
        if (rings != null) rings.harvest();
    }

    synchronized void close() {
        if (rings != null) rings.close();
    }
}
