package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.Segment;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.memory.GuestMemory;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Timeout;

/// Accesses of the guest to ports and device memory leave nothing behind for the garbage collector.
@Timeout(120)
class AllocationTest {
    private static final int CODE = 0x8000;
    private static final int ACCESSES = 20_000;
    private static final int ROUNDS = 10;

    @OnEveryEngine
    void nothingIsAllocatedForAnAccess(Engine engine) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Code loop = new Code(CODE).bytes(0x66, 0xa3, 0, 0, 0xe6, 0x10, 0xeb, 0xf8); // mov [0], eax; out 10h, al; jmp
        try (GuestMemory memory = new GuestMemory()) {
            memory.add(0, HostMemory.system().map(0x1_0000), false);
            memory.write(CODE, loop.assembled());
            try (Vm vm = engine.hypervisor().createVm(memory, new CpuModel(1, 1_000_000), engine.options())) {
                Vcpu vcpu = vm.createVcpu(0);
                Counter io = new Counter(vcpu);
                CpuState state = States.real(CODE);
                state.segments[3] = new Segment(0, 0xd000_0000L, 0xffff, 0x93);
                vcpu.setState(state);
                long bytes = Long.MAX_VALUE;
                for (int round = 0; round < ROUNDS && bytes > ACCESSES / 10; round++) { // until the JIT compiler has seen it
                    io.left = ACCESSES;
                    long before = threads.getCurrentThreadAllocatedBytes();
                    vcpu.run(io);
                    bytes = threads.getCurrentThreadAllocatedBytes() - before;
                }
                assertThat(bytes).as("bytes of a call of run, not of its %d accesses", ACCESSES).isLessThanOrEqualTo(ACCESSES / 10);
            }
        }
    }

    /// Counts writes, and ends the run at the last.
    private static final class Counter implements VmIo {
        private final Vcpu vcpu;
        private int left;

        Counter(Vcpu vcpu) {
            this.vcpu = vcpu;
        }

        @Override
        public long portRead(int port, int size) {
            return 0;
        }

        @Override
        public void portWrite(int port, int size, long value) {
            if (--left == 0) vcpu.kick();
        }

        @Override
        public long mmioRead(long gpa, int size) {
            return 0;
        }

        @Override
        public void mmioWrite(long gpa, int size, long value) {
            if (--left == 0) vcpu.kick();
        }

        @Override
        public int acknowledgeInterrupt() {
            return 0;
        }

        @Override
        public void endOfInterrupt(int vector) {}
    }
}
