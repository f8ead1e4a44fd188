package io.kahvem.kvm;

import io.kahvem.hypervisor.CpuModel;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// CPUID's answers (SDM Vol. 2A, CPUID; AMD APM Vol. 3, appendix E): what the kernel supports, with a machine's own topology.
record Cpuid(List<Leaf> leaves) {
    private static final int HTT = 1 << 28;
    private static final int TSC_DEADLINE = 1 << 24;
    private static final int X2APIC = 1 << 21;
    private static final int KVM_FEATURES = 0x4000_0001;

    /// ASYNC_PF, PV_EOI, PV_UNHALT, ASYNC_PF_VMEXIT, PV_SEND_IPI, PV_SCHED_YIELD, ASYNC_PF_INT, MSI_EXT_DEST_ID.
    private static final int KVM_APIC_FEATURES = 1 << 4 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 11 | 1 << 13 | 1 << 14 | 1 << 15;

    private static final int HYPERVISOR = 1 << 31;
    private static final int CMP_LEGACY = 1 << 1;
    private static final int LEVEL_SMT = 1 << 8;
    private static final int LEVEL_CORE = 2 << 8;

    record Leaf(int function, int index, int flags, int eax, int ebx, int ecx, int edx) {
        Leaf with(int eax, int ebx, int ecx, int edx) {
            return new Leaf(function, index, flags, eax, ebx, ecx, edx);
        }
    }

    Cpuid {
        leaves = List.copyOf(leaves);
    }

    /// For a vCPU of `model`, which is one socket of single-threaded cores as in the Java engine. `deadline` tells whether the kernel's
    /// APIC timer can wait for the TSC, which its own list of features leaves out.
    Cpuid forVcpu(int apicId, CpuModel model, boolean deadline) {
        int vcpus = model.vcpus();
        int idBits = 32 - Integer.numberOfLeadingZeros(vcpus - 1);
        List<Leaf> own = new ArrayList<>();
        for (Leaf leaf : leaves) {
            int eax = leaf.eax;
            int ebx = leaf.ebx;
            int ecx = leaf.ecx;
            int edx = leaf.edx;
            switch (leaf.function) {
                case 0 -> own.add(leaf.with(Math.max(eax, 0xb), ebx, ecx, edx));
                case 1 -> {
                    int features = ecx | HYPERVISOR | (deadline ? TSC_DEADLINE : 0);
                    int ids = ebx & 0xffff | vcpus << 16 & 0xff_0000 | apicId << 24;
                    own.add(leaf.with(eax, ids, features, vcpus > 1 ? edx | HTT : edx & ~HTT));
                }
                // Deterministic caches: bits 31-26 the ids of cores, 25-14 of the processors that share the cache: none does.
                case 4 -> own.add(leaf.with((eax & 0x1f) == 0 ? eax : eax & 0x3fff | ((1 << idBits) - 1) << 26, ebx, ecx, edx));
                case 0xb, 0x1f -> {} // topology: below
                case 0x8000_0001 -> own.add(leaf.with(eax, ebx, vcpus > 1 ? ecx | CMP_LEGACY : ecx & ~CMP_LEGACY, edx));
                case 0x8000_0008 -> own.add(leaf.with(eax, ebx, idBits << 12 | vcpus - 1, edx));
                case 0x8000_001d -> own.add(leaf.with((eax & 0x1f) == 0 ? eax : eax & 0x3fff, ebx, ecx, edx));
                case 0x8000_001e -> own.add(leaf.with(apicId, apicId & 0xff, 0, 0));
                default -> own.add(leaf);
            }
        }
        int indexed = Constants.KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
        own.add(new Leaf(0xb, 0, indexed, 0, 1, LEVEL_SMT, apicId));
        own.add(new Leaf(0xb, 1, indexed, idBits, vcpus, LEVEL_CORE | 1, apicId));
        return new Cpuid(own);
    }

    /// Without what is only there with a local APIC in the kernel: x2APIC, whose registers are MSRs, the TSC-deadline timer, and KVM's own
    /// shortcuts to the APIC (linux/kvm_para.h).
    Cpuid withoutKernelApic() {
        return new Cpuid(leaves.stream().map(leaf -> switch (leaf.function) {
            case 1 -> leaf.with(leaf.eax, leaf.ebx, leaf.ecx & ~(X2APIC | TSC_DEADLINE), leaf.edx);
            case KVM_FEATURES -> leaf.with(leaf.eax & ~KVM_APIC_FEATURES, leaf.ebx, leaf.ecx, leaf.edx);
            default -> leaf;
        }).toList());
    }

    /// Family, model and stepping: EDX after a reset.
    int signature() {
        for (Leaf leaf : leaves) {
            if (leaf.function == 1) return leaf.eax;
        }
        return 0;
    }

    /// How many bytes the standard form of XSAVE's area needs for these features (SDM Vol. 1, 13.4.3; leaf DH tells).
    int xsaveBytes(long xcr0) {
        int bytes = 576;
        for (Leaf leaf : leaves) {
            if (leaf.function == 0xd && leaf.index >= 2 && leaf.index < 63 && (xcr0 >> leaf.index & 1) != 0) {
                bytes = Math.max(bytes, leaf.ebx + leaf.eax);
            }
        }
        return bytes;
    }

    static MemorySegment allocate(Arena arena, int entries) {
        MemorySegment list = arena.allocate(Structs.CPUID2.byteSize() + entries * Structs.CPUID_ENTRY2.byteSize(), 8);
        new Struct(Structs.CPUID2, list).set("nent", entries);
        return list;
    }

    static Cpuid read(MemorySegment list) {
        int entries = new Struct(Structs.CPUID2, list).getInt("nent");
        List<Leaf> leaves = new ArrayList<>();
        for (int n = 0; n < entries; n++) {
            Struct e = entry(list, n);
            leaves.add(new Leaf(
                    e.getInt("function"), e.getInt("index"), e.getInt("flags"),
                    e.getInt("eax"), e.getInt("ebx"), e.getInt("ecx"), e.getInt("edx")));
        }
        return new Cpuid(leaves);
    }

    MemorySegment write(Arena arena) {
        MemorySegment list = allocate(arena, leaves.size());
        for (int n = 0; n < leaves.size(); n++) {
            Leaf leaf = leaves.get(n);
            entry(list, n).set("function", leaf.function).set("index", leaf.index).set("flags", leaf.flags)
                    .set("eax", leaf.eax).set("ebx", leaf.ebx).set("ecx", leaf.ecx).set("edx", leaf.edx);
        }
        return list;
    }

    private static Struct entry(MemorySegment list, int n) {
        long size = Structs.CPUID_ENTRY2.byteSize();
        return new Struct(Structs.CPUID_ENTRY2, list.asSlice(Structs.CPUID2.byteSize() + n * size, size));
    }
}
