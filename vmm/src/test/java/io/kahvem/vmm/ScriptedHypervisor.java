package io.kahvem.vmm;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.memory.GuestMemory;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/// An engine whose guest is Java: each vCPU that is not waiting for SIPI runs the script once for each state it is given, then sleeps
/// until it is kicked.
final class ScriptedHypervisor implements Hypervisor {
    /// What the bootstrap processor does.
    @FunctionalInterface
    interface Script {
        VmExit run(Cpu cpu, VmIo io) throws InterruptedException;
    }

    /// @param boot how often this vCPU was started, from 1
    record Cpu(int boot, CpuState state, GuestMemory memory, ScriptedVcpu vcpu) {
        /// HLT with interrupts off: returns when the vCPU is kicked.
        VmExit halt() {
            vcpu.kicks.acquireUninterruptibly();
            return new VmExit.Kicked();
        }
    }

    private final String name;
    private final Availability availability;
    private final Script script;
    final AtomicInteger nmis = new AtomicInteger();
    volatile boolean timeStopped;
    final AtomicInteger openVms = new AtomicInteger();
    final List<CpuState> startStates = new CopyOnWriteArrayList<>();

    ScriptedHypervisor(String name, Availability availability, Script script) {
        this.name = name;
        this.availability = availability;
        this.script = script;
    }

    ScriptedHypervisor(Script script) {
        this("jvm", new Availability.Available(), script);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Availability availability() {
        return availability;
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model) {
        openVms.incrementAndGet();
        return new Vm() {
            @Override
            public Vcpu createVcpu(int apicId) {
                return new ScriptedVcpu(apicId, memory);
            }

            @Override
            public void sendMsi(long address, int data) {}

            @Override
            public void setIntr(boolean level) {}

            @Override
            public long clockNanos() {
                return 0;
            }

            @Override
            public void setClockNanos(long nanos) {}

            @Override
            public void injectNmi() {
                nmis.incrementAndGet();
            }

            @Override
            public void stopTime() {
                timeStopped = true;
            }

            @Override
            public void startTime() {
                timeStopped = false;
            }

            @Override
            public void close() {
                openVms.decrementAndGet();
            }
        };
    }

    final class ScriptedVcpu implements Vcpu {
        private final int apicId;
        private final GuestMemory memory;
        private final Semaphore kicks = new Semaphore(0);
        private CpuState state = new CpuState();
        private boolean fresh;
        private int boots;

        ScriptedVcpu(int apicId, GuestMemory memory) {
            this.apicId = apicId;
            this.memory = memory;
        }

        @Override
        public int apicId() {
            return apicId;
        }

        @Override
        public VmExit run(VmIo io) {
            Cpu cpu = new Cpu(boots, state, memory, this);
            if (!fresh || state.activity == CpuState.Activity.WAIT_FOR_SIPI) return cpu.halt();
            fresh = false;
            try {
                return script.run(cpu, io);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void kick() {
            kicks.release();
        }

        @Override
        public CpuState state() {
            return state;
        }

        @Override
        public void setState(CpuState given) {
            state = given;
            fresh = true;
            boots++;
            startStates.add(given);
        }

        @Override
        public long instructionsRetired() {
            return 100L + apicId;
        }
    }
}
