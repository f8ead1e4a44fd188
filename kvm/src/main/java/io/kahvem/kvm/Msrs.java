package io.kahvem.kvm;

import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;

/// A vCPU's model-specific registers (names as in SDM Vol. 4). Its own thread.
final class Msrs {
    static final int IA32_TSC = 0x10;
    static final int IA32_APIC_BASE = 0x1b;
    static final int IA32_TSC_ADJUST = 0x3b;
    static final int IA32_TSC_DEADLINE = 0x6e0;
    static final int IA32_EFER = 0xc000_0080;
    static final int IA32_FS_BASE = 0xc000_0100;
    static final int IA32_GS_BASE = 0xc000_0101;

    /// The memory type range registers and PAT, which older kernels have and do not list.
    static final int[] MEMORY_TYPES = {
        0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f,
        0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x277, 0x2ff
    };

    private final KvmFile vcpu;

    Msrs(KvmFile vcpu) {
        this.vcpu = vcpu;
    }

    /// The values of those that can be read.
    Map<Integer, Long> get(int... indices) {
        Map<Integer, Long> values = new TreeMap<>();
        try (Arena arena = Arena.ofConfined()) {
            for (int at = 0; at < indices.length; ) {
                int count = indices.length - at;
                MemorySegment list = allocate(arena, count);
                for (int n = 0; n < count; n++) entry(list, n).set("index", indices[at + n]);
                int read = vcpu.attempt(Request.KVM_GET_MSRS, list.address());
                if (read < 0) throw KvmFile.refused(Request.KVM_GET_MSRS, read, "read a vCPU's MSRs");
                for (int n = 0; n < read; n++) values.put(indices[at + n], entry(list, n).get("data"));
                at += read + 1; // the kernel stops at the first it refuses
            }
        }
        return values;
    }

    /// Sets those that can be set to their values, in ascending order. A register that this host refuses is one its guests cannot have.
    void set(Map<Integer, Long> values) {
        int[] indices = values.keySet().stream().mapToInt(Integer::intValue).toArray();
        try (Arena arena = Arena.ofConfined()) {
            for (int at = 0; at < indices.length; ) {
                int count = indices.length - at;
                MemorySegment list = allocate(arena, count);
                for (int n = 0; n < count; n++) {
                    int index = indices[at + n];
                    entry(list, n).set("index", index).set("data", values.getOrDefault(index, 0L));
                }
                int written = vcpu.attempt(Request.KVM_SET_MSRS, list.address());
                if (written < 0) throw KvmFile.refused(Request.KVM_SET_MSRS, written, "set a vCPU's MSRs");
                at += written + 1;
            }
        }
    }

    private static MemorySegment allocate(Arena arena, int count) {
        MemorySegment list = arena.allocate(Structs.MSRS.byteSize() + count * Structs.MSR_ENTRY.byteSize(), 8);
        new Struct(Structs.MSRS, list).set("nmsrs", count);
        return list;
    }

    private static Struct entry(MemorySegment list, int n) {
        long size = Structs.MSR_ENTRY.byteSize();
        return new Struct(Structs.MSR_ENTRY, list.asSlice(Structs.MSRS.byteSize() + n * size, size));
    }
}
