package io.kahvem.daemon.service;

import io.kahvem.daemon.domain.Domain;
import io.kahvem.daemon.domain.DomainInterfaces;
import io.kahvem.daemon.domain.DomainRegistry;
import io.kahvem.daemon.domain.DomainResources;
import io.kahvem.daemon.domain.DomainTuning;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.libvirt.protocol.Common.CountedParameters;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.Parameters;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.List;

/// What control groups would keep, which processors run a machine, and how fast its interfaces may be: in a description, where it can be
/// kept; of a running machine refused in libvirt's words.
public final class DomainTuningService {
    private static final None NONE = new None();

    private final DomainRegistry registry;
    private final DomainTuning tuning;
    private final DomainResources resources;

    public DomainTuningService(DomainRegistry registry) {
        this.registry = registry;
        this.tuning = new DomainTuning(registry);
        this.resources = new DomainResources(registry);
    }

    public void bind(Handlers handlers) {
        memory(handlers);
        processors(handlers);
        scheduler(handlers);
        devices(handlers);
    }

    private Domain find(DomainRef ref) {
        return registry.byRef(ref);
    }

    private void memory(Handlers handlers) {
        handlers.on(Domains.GET_MEMORY_PARAMETERS, (call, a) -> {
            Domain domain = find(a.domain());
            // The first of the two steps asks for their number alone.
            if (a.number() == 0) return new CountedParameters(List.of(), DomainTuning.memoryCount());
            return Room.counted(a.number(), tuning.memory(domain, a.flags()));
        });
        handlers.on(Domains.SET_MEMORY_PARAMETERS, (call, a) -> {
            tuning.setMemory(find(a.domain()), a.parameters(), a.flags());
            return NONE;
        });
        handlers.on(Domains.SET_NUMA_PARAMETERS, (call, a) -> {
            tuning.setNuma(find(a.domain()), a.parameters(), a.flags());
            return NONE;
        });
    }

    private void processors(Handlers handlers) {
        handlers.on(Domains.SET_VCPU, (call, a) -> {
            resources.setVcpu(find(a.domain()), CpuMaps.parse(a.vcpus()), a.state() != 0, a.flags());
            return NONE;
        });
        handlers.on(Domains.PIN_EMULATOR, (call, a) -> {
            tuning.pinEmulator(find(a.domain()), CpuMaps.cpus(a.map()), a.flags());
            return NONE;
        });
    }

    private void scheduler(Handlers handlers) {
        handlers.on(Domains.GET_SCHEDULER_TYPE, (call, a) ->
                new Domains.SchedulerType("posix", tuning.schedulerCount(find(a.domain()))));
        handlers.on(Domains.GET_SCHEDULER_PARAMETERS, (call, a) -> scheduler(find(a.domain()), a.number(), 0));
        handlers.on(Domains.GET_SCHEDULER_PARAMETERS_FLAGS, (call, a) -> scheduler(find(a.domain()), a.number(), a.flags()));
        handlers.on(Domains.SET_SCHEDULER_PARAMETERS, (call, a) -> {
            tuning.setScheduler(find(a.domain()), a.parameters(), 0);
            return NONE;
        });
        handlers.on(Domains.SET_SCHEDULER_PARAMETERS_FLAGS, (call, a) -> {
            tuning.setScheduler(find(a.domain()), a.parameters(), a.flags());
            return NONE;
        });
    }

    private Parameters scheduler(Domain domain, int room, int flags) {
        List<TypedParameter> parameters = tuning.scheduler(domain, flags);
        return new Parameters(parameters.stream().limit(Room.of(room)).toList());
    }

    private void devices(Handlers handlers) {
        handlers.on(DomainDevices.GET_BLKIO_PARAMETERS, (call, a) -> {
            Domain domain = find(a.domain());
            if (a.number() == 0) return new CountedParameters(List.of(), DomainTuning.blkioCount());
            return Room.counted(a.number(), tuning.blkio(domain, a.flags()));
        });
        handlers.on(DomainDevices.SET_BLKIO_PARAMETERS, (call, a) -> {
            tuning.setBlkio(find(a.domain()), a.parameters(), a.flags());
            return NONE;
        });
        handlers.on(DomainDevices.GET_INTERFACE_PARAMETERS, (call, a) -> {
            Domain domain = find(a.domain());
            if (a.room() == 0) return new CountedParameters(List.of(), DomainInterfaces.bandwidthCount());
            return Room.counted(a.room(), DomainInterfaces.bandwidth(domain, a.device(), a.flags()));
        });
        handlers.on(DomainDevices.SET_INTERFACE_PARAMETERS, (call, a) -> {
            DomainInterfaces.setBandwidth(find(a.domain()), a.device(), a.flags());
            return NONE;
        });
    }
}
