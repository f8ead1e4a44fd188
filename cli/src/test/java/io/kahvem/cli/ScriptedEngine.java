package io.kahvem.cli;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.memory.GuestMemory;
import java.util.concurrent.Semaphore;

/// An engine whose one guest is Java: the script runs once, then the vCPU halts until it is kicked.
final class ScriptedEngine implements Hypervisor {
    /// The guest; null means to halt.
    @FunctionalInterface
    interface Script {
        VmExit run(VmIo io, Semaphore kicks) throws InterruptedException;
    }

    private final Script script;

    ScriptedEngine(Script script) {
        this.script = script;
    }

    @Override
    public String name() {
        return "jvm";
    }

    @Override
    public Availability availability() {
        return new Availability.Available();
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model) {
        return new Vm() {
            @Override
            public Vcpu createVcpu(int apicId) {
                return new ScriptedVcpu(apicId);
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
            public void injectNmi() {}

            @Override
            public void close() {}
        };
    }

    private final class ScriptedVcpu implements Vcpu {
        private final int apicId;
        private final Semaphore kicks = new Semaphore(0);
        private CpuState state = new CpuState();
        private boolean ran;

        ScriptedVcpu(int apicId) {
            this.apicId = apicId;
        }

        @Override
        public int apicId() {
            return apicId;
        }

        @Override
        public VmExit run(VmIo io) {
            if (!ran && state.activity != CpuState.Activity.WAIT_FOR_SIPI) {
                ran = true;
                try {
                    return script.run(io, kicks);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            kicks.acquireUninterruptibly();
            return new VmExit.Kicked();
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
        public void setState(CpuState state) {
            this.state = state;
        }

        @Override
        public long instructionsRetired() {
            return 1000;
        }
    }
}
