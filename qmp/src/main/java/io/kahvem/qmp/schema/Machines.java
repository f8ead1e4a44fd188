package io.kahvem.qmp.schema;

import java.util.List;
import java.util.Optional;

/// What the machine is made of: QEMU's machine.json, misc.json, char.json.
public interface Machines {
    record QueryName() implements Command<NameInfo> {}

    record NameInfo(Optional<String> name) {}

    record QueryUuid() implements Command<UuidInfo> {}

    record UuidInfo(@Name("UUID") String uuid) {}

    record QueryKvm() implements Command<KvmInfo> {}

    record KvmInfo(boolean enabled, boolean present) {}

    record QueryTarget() implements Command<TargetInfo> {}

    record TargetInfo(SysEmuTarget arch) {}

    enum SysEmuTarget {
        @Name("x86_64")
        X86_64
    }

    record QueryCpusFast() implements Command<List<CpuInfoFast>> {}

    record CpuInfoFast(long cpuIndex, String qomPath, long threadId, CpuInstanceProperties props, SysEmuTarget target) {}

    record CpuInstanceProperties(long socketId, long coreId, long threadId) {}

    record QueryMemorySizeSummary() implements Command<MemoryInfo> {}

    record MemoryInfo(long baseMemory, Optional<Long> pluggedMemory) {}

    record QueryMachines() implements Command<List<MachineInfo>> {}

    record MachineInfo(
            String name, Optional<String> alias, Optional<Boolean> isDefault, long cpuMax, boolean hotpluggableCpus,
            boolean numaMemSupported, boolean deprecated, Optional<String> defaultCpuType, Optional<String> defaultRamId) {}

    record QueryCurrentMachine() implements Command<CurrentMachineParams> {}

    record CurrentMachineParams(boolean wakeupSuspendSupport) {}

    record QueryChardev() implements Command<List<ChardevInfo>> {}

    record ChardevInfo(String label, String filename, boolean frontendOpen) {}

    /// Guest-physical memory to a file.
    record Pmemsave(long val, long size, String filename) implements Command<Empty> {}

    /// The memory that a vCPU has at linear addresses, the first vCPU if nothing is said, to a file.
    record Memsave(long val, long size, String filename, @Name("cpu-index") Optional<Long> cpuIndex) implements Command<Empty> {}
}
