package io.kahvem.jvm;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.translate.Translator;
import io.kahvem.memory.GuestMemory;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The engine in Java: available wherever the JVM is.
public final class JvmHypervisor implements Hypervisor {
    /// The opcode map for the next VM: a few thousand rows, made while the rest of a machine is.
    private final AtomicReference<@Nullable FutureTask<OpcodeMap>> prepared = new AtomicReference<>();

    @Override
    public String name() {
        return "jvm";
    }

    @Override
    public Availability availability() {
        return new Availability.Available();
    }

    @Override
    public void prepare() {
        FutureTask<OpcodeMap> task = new FutureTask<>(Opcodes::map);
        if (prepared.compareAndSet(null, task)) Thread.ofPlatform().daemon().name("opcodes").start(task);
    }

    private OpcodeMap opcodes() {
        FutureTask<OpcodeMap> task = prepared.getAndSet(null);
        if (task == null) return Opcodes.map();
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Opcodes.map();
        } catch (ExecutionException e) {
            throw new AssertionError("rows are checked by their tests", e.getCause());
        }
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model) {
        return createVm(memory, model, VmOptions.DEFAULT);
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model, VmOptions options) {
        Translator.Policy policy = switch (options.translation()) {
            case OFF -> Translator.Policy.OFF;
            case EARLY -> Translator.Policy.EARLY;
            case NORMAL -> Translator.Policy.NORMAL;
        };
        return new JvmVm(memory, model, opcodes(), policy);
    }
}
