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
/// Lock: this object's monitor, under which the VM's requests are made, and inside of guest memory's; no device is called.
final class MemorySlots implements GuestMemory.SlotListener {
    private final KvmFile vm;
    private final GuestMemory memory;

    /// By the kernel's number; null where one was removed.
    private final List<@Nullable MemorySlot> slots = new ArrayList<>();

    private final @Nullable DirtyRings rings;
    private final int most;
    private boolean logging;

    /// Tells the kernel all of `memory`. `ringEntries` is 0 for bitmaps.
    MemorySlots(KvmFile vm, GuestMemory memory, int ringEntries) {
        this.vm = vm;
        this.memory = memory;
        this.most = vm.check(Capability.NR_MEMSLOTS);
        this.rings = ringEntries == 0 ? null : DirtyRings.enable(vm, ringEntries);
        try {
            memory.listen(this).forEach(this::slotAdded);
        } catch (RuntimeException e) {
            memory.endListening(this);
            throw e;
        }
    }

    /// Any thread, a vCPU's in a device too.
    @Override
    public synchronized void slotAdded(MemorySlot slot) {
        int number = slots.indexOf(null);
        if (number < 0) {
            number = slots.size();
            if (most > 0 && number >= most) throw new HypervisorException("this host's KVM has at most %d memory slots".formatted(most));
            slots.add(null);
        }
        set(number, slot, slot.sizeBytes(), logging && !slot.readOnly() ? Constants.KVM_MEM_LOG_DIRTY_PAGES : 0);
        slots.set(number, slot);
    }

    /// The kernel returns when no vCPU uses it any more.
    @Override
    public synchronized void slotRemoved(MemorySlot slot) {
        int number = slots.indexOf(slot);
        if (number < 0) return;
        set(number, slot, 0, 0);
        slots.set(number, null);
        if (rings != null) rings.take(number);
    }

    private void set(int number, MemorySlot slot, long sizeBytes, int flags) {
        if (slot.readOnly() && !vm.has(Capability.READONLY_MEM)) {
            throw new HypervisorException("this host's KVM lacks KVM_CAP_READONLY_MEM, which firmware needs");
        }
        try (Arena arena = Arena.ofConfined()) {
            Struct region = Struct.allocate(arena, Structs.USERSPACE_MEMORY_REGION);
            region.set("slot", number).set("flags", flags | (slot.readOnly() ? Constants.KVM_MEM_READONLY : 0));
            region.set("guest_phys_addr", slot.gpa()).set("memory_size", sizeBytes).set("userspace_addr", slot.hva(slot.gpa()));
            vm.request(Request.KVM_SET_USER_MEMORY_REGION, region.address(), "give the guest its " + slot);
        }
    }

    void vcpuCreated(KvmFile vcpu) {
        if (rings != null) rings.add(vcpu);
    }

    /// Guest memory first, whose lock comes before this object's.
    void setDirtyLogging(boolean on) {
        memory.setDirtyLogging(on);
        setKernelLogging(on);
    }

    private synchronized void setKernelLogging(boolean on) {
        if (on == logging) return;
        logging = on;
        for (int n = 0; n < slots.size(); n++) {
            MemorySlot slot = slots.get(n);
            if (slot == null || slot.readOnly()) continue;
            set(n, slot, slot.sizeBytes(), on ? Constants.KVM_MEM_LOG_DIRTY_PAGES : 0);
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

    void close() {
        memory.endListening(this); // takes memory's lock, which comes first
        closeRings();
    }

    private synchronized void closeRings() {
        if (rings != null) rings.close();
    }
}
