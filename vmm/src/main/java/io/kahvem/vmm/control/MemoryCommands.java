package io.kahvem.vmm.control;

import io.kahvem.host.HostFile;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Dumps;
import io.kahvem.qmp.schema.Dumps.DumpGuestMemory;
import io.kahvem.qmp.schema.Dumps.DumpGuestMemoryFormat;
import io.kahvem.qmp.schema.Dumps.DumpStatus;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.qmp.schema.Machines.Memsave;
import io.kahvem.qmp.schema.Machines.Pmemsave;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.RunState;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongUnaryOperator;

/// What a machine's memory holds, to files.
final class MemoryCommands {
    private static final int PART = 1 << 20;
    private static final int PAGE = 4096;

    private final Machine machine;
    private final PassedDescriptors files;
    private final QmpService service;
    private final AtomicBoolean dumping = new AtomicBoolean();
    private volatile ElfDump dump = ElfDump.NONE;

    MemoryCommands(Machine machine, PassedDescriptors files, QmpService service) {
        this.machine = machine;
        this.files = files;
        this.service = service;
    }

    void addCommands() {
        service.on(Pmemsave.class, (command, call) -> {
            save(command.val(), command.size(), command.filename(), LongUnaryOperator.identity(), call);
            return new Empty();
        });
        service.on(Memsave.class, this::saveLinear);
        service.on(DumpGuestMemory.class, this::dump);
        service.on(Dumps.QueryDump.class, command -> result());
        service.on(Dumps.QueryDumpGuestMemoryCapability.class,
                command -> new Dumps.DumpGuestMemoryCapability(List.of(DumpGuestMemoryFormat.ELF)));
    }

    private Empty saveLinear(Memsave command, QmpCall call) {
        long index = command.cpuIndex().orElse(0L);
        if (index < 0 || index >= machine.config().cpus()) throw new QmpException("Parameter 'cpu-index' expects a CPU number");
        CpuState state = stateOf((int) index);
        save(command.val(), command.size(), command.filename(), linear -> {
            long gpa = machine.physicalAddress(state, linear);
            if (gpa >= 0) return gpa;
            throw new QmpException("Invalid addr 0x%016x/size %d specified".formatted(command.val(), command.size()));
        }, call);
        return new Empty();
    }

    private CpuState stateOf(int index) {
        try {
            return machine.cpuState(index);
        } catch (IllegalStateException ended) {
            throw new QmpException(String.valueOf(ended.getMessage()));
        }
    }

    /// What is no RAM reads as zeros: devices are not asked.
    private void save(long from, long size, String filename, LongUnaryOperator toPhysical, QmpCall call) {
        if (size < 0) throw new QmpException("Parameter 'size' expects a non-negative value");
        HostFile file = files.output("Could not open", filename, call);
        byte[] part = new byte[PART];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(PART);
            for (long done = 0; done < size; ) {
                int length = (int) Math.min(size - done, PAGE - (from + done & PAGE - 1));
                machine.readMemory(toPhysical.applyAsLong(from + done), part, length);
                MemorySegment.copy(part, 0, memory, ValueLayout.JAVA_BYTE, 0, length);
                PassedDescriptors.write(file, done, memory.address(), length);
                done += length;
            }
        } finally {
            file.close();
        }
    }

    /// The vCPUs stand still while it is written, as in QEMU.
    private Empty dump(DumpGuestMemory command, QmpCall call) {
        if (command.paging()) throw new QmpException("a dump by virtual addresses is not supported; give \"paging\": false");
        if (command.begin().isPresent() && command.length().isEmpty()) throw new QmpException("Parameter 'length' is missing");
        if (command.begin().isEmpty() && command.length().isPresent()) throw new QmpException("Parameter 'begin' is missing");
        DumpGuestMemoryFormat format = command.format().orElse(DumpGuestMemoryFormat.ELF);
        if (format != DumpGuestMemoryFormat.ELF) {
            throw new QmpException("%s is not available now".formatted(format.name().toLowerCase(Locale.ROOT).replace('_', '-')));
        }
        if (!command.protocol().startsWith("file:")) throw new QmpException("Invalid parameter 'protocol'");
        if (command.length().orElse(1L) <= 0) throw new QmpException("Invalid parameter 'length'");
        if (command.begin().orElse(0L) < 0) throw new QmpException("Invalid parameter 'begin'");
        long begin = command.begin().orElse(0L);
        long length = command.length().orElse(Long.MAX_VALUE);
        ElfDump.requireMemory(machine.memory(), begin, length);
        if (dumping.getAndSet(true)) throw new QmpException("There is a dump in process, please wait.");
        boolean begun = false;
        try {
            HostFile file = files.output("Could not open", command.protocol().substring("file:".length()), call);
            boolean goesOn = machine.state() == RunState.RUNNING && machine.pause();
            Runnable work = () -> write(file, goesOn);
            try {
                List<CpuState> states = new ArrayList<>();
                for (int cpu = 0; cpu < machine.config().cpus(); cpu++) states.add(stateOf(cpu));
                dump = new ElfDump(states, machine.memory(), begin, length);
            } catch (QmpException e) {
                file.close();
                if (goesOn) machine.resume();
                throw e;
            }
            begun = true;
            if (command.detach().orElse(false)) {
                call.afterReply(() -> Thread.ofPlatform().daemon().name("dump").start(work));
            } else {
                work.run();
                ElfDump written = dump;
                written.failure().ifPresent(why -> {
                    throw new QmpException(why);
                });
            }
        } finally {
            if (!begun) dumping.set(false);
        }
        return new Empty();
    }

    private void write(HostFile file, boolean goesOn) {
        ElfDump begun = dump;
        try {
            begun.write(file);
        } finally {
            file.close();
            if (goesOn) machine.resume();
            dumping.set(false);
        }
        service.emit(new Dumps.DumpCompletedEvent(result(), begun.failure()));
    }

    private Dumps.DumpQueryResult result() {
        ElfDump now = dump;
        DumpStatus status = now.equals(ElfDump.NONE) ? DumpStatus.NONE
                : now.failure().isPresent() ? DumpStatus.FAILED
                : dumping.get() ? DumpStatus.ACTIVE : DumpStatus.COMPLETED;
        return new Dumps.DumpQueryResult(status, now.completedBytes(), now.totalBytes());
    }
}
