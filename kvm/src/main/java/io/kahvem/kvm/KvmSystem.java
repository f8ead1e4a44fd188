package io.kahvem.kvm;

import io.kahvem.host.Descriptor;
import io.kahvem.host.Errno;
import io.kahvem.hypervisor.Hypervisor.Feature;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.kvm.abi.Capability;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/// The device, open, and what the kernel says of all VMs.
final class KvmSystem implements AutoCloseable {
    private static final int E2BIG = 7;
    private static final int MOST_ENTRIES = 4096;
    private static final List<Capability> NEEDED =
            List.of(Capability.USER_MEMORY, Capability.IMMEDIATE_EXIT, Capability.VCPU_EVENTS, Capability.XSAVE);

    private final KvmFile file;

    private KvmSystem(KvmFile file) {
        this.file = file;
    }

    /// Throws HostException where the device does not open, HypervisorException where it is not a KVM that this engine can use.
    static KvmSystem open(String device) {
        KvmFile file = new KvmFile(Descriptor.open(device));
        Optional<String> unfit = unfit(file);
        if (unfit.isPresent()) {
            file.close();
            throw new HypervisorException(device + " opens, but " + unfit.get());
        }
        return new KvmSystem(file);
    }

    private static Optional<String> unfit(KvmFile file) {
        int version = file.attempt(Request.KVM_GET_API_VERSION, 0);
        if (version < 0) return Optional.of("it is no KVM device: " + new Errno(-version));
        if (version != Constants.KVM_API_VERSION) return Optional.of("its API has version " + version);
        return NEEDED.stream().filter(capability -> !file.has(capability)).findFirst()
                .map(capability -> "it lacks KVM_CAP_" + capability + ", which Linux has from 4.12 on");
    }

    static boolean hasApics(KvmFile file) {
        return file.has(Capability.SPLIT_IRQCHIP) && file.has(Capability.SIGNAL_MSI);
    }

    static boolean hasDoorbells(KvmFile file) {
        return file.has(Capability.IRQFD) && file.has(Capability.IOEVENTFD);
    }

    List<Feature> features() {
        long ringPages = file.check(Capability.DIRTY_LOG_RING_ACQ_REL) / Structs.DIRTY_GFN.byteSize();
        return List.of(
                new Feature("up to " + file.check(Capability.MAX_VCPUS) + " CPUs a machine", true, ""),
                new Feature("local APICs in the kernel", hasApics(file), "Kahvem's own are used, and each access to them leaves the guest"),
                new Feature("irqfd and ioeventfd", hasDoorbells(file), "devices work in CPUs' threads"),
                new Feature("read-only memory", file.has(Capability.READONLY_MEM), "no firmware"),
                new Feature("rings of " + ringPages + " written pages", ringPages > 0, "written pages are noted in bitmaps"),
                new Feature("TSC deadline timer", file.has(Capability.TSC_DEADLINE_TIMER), "guests take the APIC's periodic timer"),
                new Feature("TSC scaling", file.has(Capability.TSC_CONTROL), "a guest's TSC counts as the host's"),
                new Feature("choice of the APIC timer's rate", file.has(Capability.X86_APIC_BUS_CYCLES_NS),
                        "a running APIC timer changes its rate when a machine moves to engine jvm"));
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
