package io.kahvem.kvm;

import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.Segment;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.memory.GuestMemory;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;

/// A VM with one vCPU in real mode, 4 MiB of memory and ports that count.
final class Kvm implements AutoCloseable {
    static final int CODE = 0x8000;
    static final int END = 0xf4;

    final GuestMemory memory = new GuestMemory();
    final KvmVm vm;
    final Vcpu vcpu;
    final AtomicLong written = new AtomicLong();
    volatile boolean ended;

    final VmIo io = new VmIo() {
        @Override
        public long portRead(int port, int size) {
            return 0;
        }

        @Override
        public void portWrite(int port, int size, long value) {
            if (port == END) {
                ended = true;
                vcpu.kick();
            } else {
                written.set(value);
            }
        }

        @Override
        public long mmioRead(long gpa, int size) {
            return 0;
        }

        @Override
        public void mmioWrite(long gpa, int size, long value) {}

        @Override
        public int acknowledgeInterrupt() {
            return 0;
        }

        @Override
        public void endOfInterrupt(int vector) {}
    };

    Kvm(VmOptions options, int... code) {
        orSkip();
        memory.add(0, HostMemory.system().map(4 << 20), false);
        for (int n = 0; n < code.length; n++) memory.write8(CODE + n, code[n]);
        KvmHypervisor engine = new KvmHypervisor();
        vm = (KvmVm) engine.createVm(memory, new CpuModel(1, 1_000_000), options);
        vcpu = vm.createVcpu(0);
        vcpu.setState(realMode());
    }

    Kvm(int... code) {
        this(VmOptions.DEFAULT, code);
    }

    /// Skips the test where KVM does not open, and says so.
    static void orSkip() {
        if (new KvmHypervisor().availability() instanceof Unavailable not && not.reason() != Reason.SOFTWARE_ONLY) {
            System.out.println("skipped without KVM: " + not.evidence());
            Assumptions.abort(not.evidence());
        }
    }

    static CpuState realMode() {
        CpuState state = new CpuState();
        for (int n = 0; n < 6; n++) state.segments[n] = new Segment(0, 0, 0xffff, 0x93);
        state.segments[CpuState.CS] = new Segment(0, 0, 0xffff, 0x9b);
        state.rip = CODE;
        return state;
    }

    @Override
    public void close() {
        vm.close();
        memory.close();
    }
}
