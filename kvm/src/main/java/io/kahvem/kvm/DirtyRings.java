package io.kahvem.kvm;

import io.kahvem.host.Mapping;
import io.kahvem.host.Words;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.kvm.abi.Capability;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Fields;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import io.kahvem.memory.GuestMemory;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// The vCPUs' rings of dirty pages (KVM_CAP_DIRTY_LOG_RING_ACQ_REL), gathered into a bitmap a slot. Guarded by [MemorySlots].
///
/// The kernel sets an entry's DIRTY flag last and we read it first (acquire); we set RESET last (release), and KVM_RESET_DIRTY_RINGS gives
/// the entries back and protects their pages again.
final class DirtyRings {
    private static final long ENTRY_BYTES = Structs.DIRTY_GFN.byteSize();
    private static final long FLAGS = Fields.offset(Structs.DIRTY_GFN, "flags");
    private static final long SLOT = Fields.offset(Structs.DIRTY_GFN, "slot");
    private static final long OFFSET = Fields.offset(Structs.DIRTY_GFN, "offset");

    private static final class Ring {
        final Mapping mapping;
        long next;

        Ring(Mapping mapping) {
            this.mapping = mapping;
        }
    }

    private final KvmFile vm;
    private final int entries;
    private final List<BitSet> dirty = new ArrayList<>();
    private final List<Ring> rings = new ArrayList<>();

    private DirtyRings(KvmFile vm, int entries) {
        this.vm = vm;
        this.entries = entries;
    }

    /// Before the first vCPU. Throws HypervisorException where the kernel has no rings, or none of this size.
    static DirtyRings enable(KvmFile vm, int entries) {
        int mostBytes = vm.check(Capability.DIRTY_LOG_RING_ACQ_REL);
        if (mostBytes < entries * ENTRY_BYTES) {
            throw new HypervisorException("this host's KVM has rings of at most %d dirty pages, not %d"
                    .formatted(mostBytes / ENTRY_BYTES, entries));
        }
        try (Arena arena = Arena.ofConfined()) {
            Struct request = Struct.allocate(arena, Structs.ENABLE_CAP);
            request.set("cap", Capability.DIRTY_LOG_RING_ACQ_REL.number).set("args[0]", entries * ENTRY_BYTES);
            vm.request(Request.KVM_ENABLE_CAP, request.address(), "make rings of dirty pages");
        }
        return new DirtyRings(vm, entries);
    }

    void add(KvmFile vcpu) {
        long offset = (long) Constants.KVM_DIRTY_LOG_PAGE_OFFSET * GuestMemory.PAGE_SIZE;
        rings.add(new Ring(vcpu.descriptor().map(offset, entries * ENTRY_BYTES)));
    }

    BitSet take(int slot) {
        harvest();
        BitSet pages = of(slot);
        dirty.set(slot, new BitSet());
        return pages;
    }

    private BitSet of(int slot) {
        while (dirty.size() <= slot) dirty.add(new BitSet());
        return dirty.get(slot);
    }

    void forget() {
        harvest();
        for (int n = 0; n < dirty.size(); n++) dirty.set(n, new BitSet());
    }

    void harvest() {
        boolean any = false;
        for (Ring ring : rings) {
            while (true) {
                long entry = ring.mapping.address() + ring.next % entries * ENTRY_BYTES;
                if ((Words.get32(entry + FLAGS) & Constants.KVM_DIRTY_GFN_F_DIRTY) == 0) break;
                of(Words.get32(entry + SLOT) & 0xffff).set((int) Words.get64(entry + OFFSET));
                Words.put32(entry + FLAGS, Constants.KVM_DIRTY_GFN_F_RESET);
                ring.next++;
                any = true;
            }
        }
        if (any) vm.request(Request.KVM_RESET_DIRTY_RINGS, 0, "watch the pages again that were written");
    }

    void close() {
        for (Ring ring : rings) ring.mapping.close();
        rings.clear();
    }
}
