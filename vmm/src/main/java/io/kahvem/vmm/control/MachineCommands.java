package io.kahvem.vmm.control;

import io.kahvem.config.MachineConfig;
import io.kahvem.config.Management;
import io.kahvem.config.Serial;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Machines.ChardevInfo;
import io.kahvem.qmp.schema.Machines.CpuInfoFast;
import io.kahvem.qmp.schema.Machines.CpuInstanceProperties;
import io.kahvem.qmp.schema.Machines.CurrentMachineParams;
import io.kahvem.qmp.schema.Machines.KvmInfo;
import io.kahvem.qmp.schema.Machines.MachineInfo;
import io.kahvem.qmp.schema.Machines.MemoryInfo;
import io.kahvem.qmp.schema.Machines.NameInfo;
import io.kahvem.qmp.schema.Machines.QueryChardev;
import io.kahvem.qmp.schema.Machines.QueryCpusFast;
import io.kahvem.qmp.schema.Machines.QueryCurrentMachine;
import io.kahvem.qmp.schema.Machines.QueryKvm;
import io.kahvem.qmp.schema.Machines.QueryMachines;
import io.kahvem.qmp.schema.Machines.QueryMemorySizeSummary;
import io.kahvem.qmp.schema.Machines.QueryName;
import io.kahvem.qmp.schema.Machines.QueryTarget;
import io.kahvem.qmp.schema.Machines.QueryUuid;
import io.kahvem.qmp.schema.Machines.SysEmuTarget;
import io.kahvem.qmp.schema.Machines.TargetInfo;
import io.kahvem.qmp.schema.Machines.UuidInfo;
import io.kahvem.vmm.Machine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// What the machine is made of.
final class MachineCommands {
    private static final UUID NO_UUID = new UUID(0, 0);

    private final Machine machine;
    private final MachineConfig config;
    private final Management management;

    MachineCommands(Machine machine) {
        this.machine = machine;
        this.config = machine.config();
        this.management = config.management();
    }

    void addTo(QmpService service) {
        service.on(QueryName.class, command -> new NameInfo(management.name()));
        service.on(QueryUuid.class, command -> new UuidInfo(management.uuid().orElse(NO_UUID).toString()));
        service.on(QueryKvm.class, command -> new KvmInfo(machine.engineName().equals("kvm"), machine.availableEngines().contains("kvm")));
        service.on(QueryTarget.class, command -> new TargetInfo(SysEmuTarget.X86_64));
        service.on(QueryCpusFast.class, command -> cpus());
        service.on(QueryMemorySizeSummary.class, command -> new MemoryInfo(config.memoryBytes(), Optional.of(0L)));
        service.on(QueryMachines.class, command -> List.of(new MachineInfo(
                config.type().id(), Optional.empty(), Optional.of(true), MachineConfig.MAX_CPUS, false, false, false,
                Optional.of("max-x86_64-cpu"), Optional.empty())));
        service.on(QueryCurrentMachine.class, command -> new CurrentMachineParams(false));
        service.on(QueryChardev.class, command -> chardevs());
    }

    /// One socket with a core for each vCPU, as in the guest's CPUID.
    private List<CpuInfoFast> cpus() {
        List<CpuInfoFast> cpus = new ArrayList<>();
        for (long threadId : machine.vcpuThreadIds()) {
            int index = cpus.size();
            cpus.add(new CpuInfoFast(index, "/machine/unattached/device[%d]".formatted(index), threadId,
                    new CpuInstanceProperties(0, index, 0), SysEmuTarget.X86_64));
        }
        return cpus;
    }

    private List<ChardevInfo> chardevs() {
        List<ChardevInfo> chardevs = new ArrayList<>();
        String serial = switch (config.serial()) {
            case Serial.Stdio ignored -> "stdio";
            case Serial.ToFile ignored -> "file";
            case Serial.None ignored -> "null";
            case Serial.Pty pty -> "pty:" + pty.terminal();
        };
        chardevs.add(new ChardevInfo("serial0", serial, true));
        for (Path socket : management.qmp()) {
            chardevs.add(new ChardevInfo("compat_monitor" + (chardevs.size() - 1), "unix:%s,server=on".formatted(socket), true));
        }
        return chardevs;
    }
}
