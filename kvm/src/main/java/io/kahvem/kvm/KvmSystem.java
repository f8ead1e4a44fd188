package io.kahvem.kvm;

import io.kahvem.host.Descriptor;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The device, open, and what the kernel says of all VMs.
final class KvmSystem implements AutoCloseable {
    private static final int E2BIG = 7;
    private static final int MOST_ENTRIES = 4096;

    private final KvmFile file;

    private KvmSystem(KvmFile file) {
        this.file = file;
    }

    /// Throws HostException where the device does not open, HypervisorException where it is not the KVM this engine knows.
    static KvmSystem open(String device) {
        KvmFile file = new KvmFile(Descriptor.open(device));
        int version = file.attempt(Request.KVM_GET_API_VERSION, 0);
        if (version != Constants.KVM_API_VERSION) {
            file.close();
            throw new HypervisorException("%s does not answer as KVM with API version %d: %d"
                    .formatted(device, Constants.KVM_API_VERSION, version));
        }
        return new KvmSystem(file);
    }

    KvmFile file() {
        return file;
    }

    KvmFile createVm() {
        return new KvmFile(new Descriptor(file.request(Request.KVM_CREATE_VM, 0, "create a virtual machine"), "KVM VM"));
    }

    int runBytes() {
        return file.request(Request.KVM_GET_VCPU_MMAP_SIZE, 0, "learn the size of a vCPU's shared page");
    }

    /// What CPUID can tell a guest of this host.
    Cpuid supportedCpuid() {
        for (int entries = 128; entries <= MOST_ENTRIES; entries *= 2) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment list = Cpuid.allocate(arena, entries);
                int result = file.attempt(Request.KVM_GET_SUPPORTED_CPUID, list.address());
                if (result == -E2BIG) continue;
                if (result < 0) throw KvmFile.refused(Request.KVM_GET_SUPPORTED_CPUID, result, "learn what the processor can do");
                return Cpuid.read(list);
            }
        }
        throw new HypervisorException("KVM_GET_SUPPORTED_CPUID has more than " + MOST_ENTRIES + " entries");
    }

    /// The MSRs that make up a vCPU's state.
    int[] msrIndices() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = arena.allocate(Structs.MSR_LIST.byteSize() + 4L * MOST_ENTRIES, 8);
            Struct head = new Struct(Structs.MSR_LIST, list);
            head.set("nmsrs", MOST_ENTRIES);
            file.request(Request.KVM_GET_MSR_INDEX_LIST, list.address(), "learn which MSRs there are");
            int count = head.getInt("nmsrs");
            return list.asSlice(Structs.MSR_LIST.byteSize(), 4L * count).toArray(ValueLayout.JAVA_INT);
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
