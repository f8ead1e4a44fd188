package io.kahvem.guest.engine;

import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.function.LongUnaryOperator;

/// The least a payload needs: memory, vCPUs, and ports and device memory that tell the test what was done.
final class Board implements AutoCloseable, VmIo {
    /// A byte written here ends the payload.
    static final int END = 0xf4;

    static final long RAM_BYTES = 4 << 20;
    static final long DEVICE = 0xd000_0000L;
    static final long ROM = 0xf000_0000L;

    private static final long TSC_KHZ = 1_000_000;
    private static final int PATIENCE_SECONDS = 60;

    private final Engine engine;
    private final GuestMemory memory;
    private final boolean ownsMemory;
    private final List<Vcpu> vcpus = new ArrayList<>();
    private final Vm vm;
    private final BlockingQueue<String> accesses = new LinkedBlockingQueue<>();
    private final BlockingQueue<Integer> endsOfInterrupt = new LinkedBlockingQueue<>();
    private final AtomicInteger interruptVector = new AtomicInteger();
    private volatile LongUnaryOperator reads = address -> 0;
    private volatile Runnable whenAcknowledged = () -> {};
    private volatile IntConsumer whenWritten = port -> {};
    private volatile boolean endingAtEndOfInterrupt;
    private volatile boolean ended;
    private volatile int endValue;
    private volatile boolean late;

    Board(Engine engine) {
        this(engine, 1);
    }

    Board(Engine engine, int cpus) {
        this(engine, cpus, newMemory(), true);
    }

    /// Over another board's memory: a machine that moves.
    Board(Engine engine, Board from) {
        this(engine, from.vcpus.size(), from.memory, false);
    }

    private Board(Engine engine, int cpus, GuestMemory memory, boolean ownsMemory) {
        this.engine = engine;
        this.memory = memory;
        this.ownsMemory = ownsMemory;
        this.vm = engine.hypervisor().createVm(memory, new CpuModel(cpus, TSC_KHZ), engine.options());
        for (int id = 0; id < cpus; id++) vcpus.add(vm.createVcpu(id));
    }

    private static GuestMemory newMemory() {
        GuestMemory memory = new GuestMemory();
        memory.add(0, HostMemory.system().map(RAM_BYTES), false);
        memory.add(ROM, HostMemory.system().map(0x1000), true);
        return memory;
    }

    GuestMemory memory() {
        return memory;
    }

    Vm vm() {
        return vm;
    }

    Vcpu vcpu(int id) {
        return vcpus.get(id);
    }

    Board load(Code code) {
        memory.write(code.origin(), code.assembled());
        return this;
    }

    /// What IN and loads from device memory give, by port or address.
    Board answering(LongUnaryOperator reads) {
        this.reads = reads;
        return this;
    }

    /// Called with the port of each OUT but the last, on the vCPU's thread.
    Board whenWritten(IntConsumer whenWritten) {
        this.whenWritten = whenWritten;
        return this;
    }

    /// What the interrupt-acknowledge cycle gives, and what it causes.
    Board acknowledging(int vector, Runnable then) {
        interruptVector.set(vector);
        whenAcknowledged = then;
        return this;
    }

    /// Sets vCPU 0's state and runs it to its end; gives the byte it ended with.
    int run(CpuState state) {
        vcpu(0).setState(state);
        return resume();
    }

    /// Runs vCPU 0 on, to its end.
    int resume() {
        switch (resume(0)) {
            case VmExit.Kicked ignored when ended -> {
                return endValue;
            }
            case VmExit exit -> throw new AssertionError("%s instead of the payload's end; rip %#x, CR2 %#x; %s"
                    .formatted(exit, vcpu(0).state().rip, vcpu(0).state().cr2, told()));
        }
    }

    /// The end of an interrupt is the payload's, and its vector what it ends with.
    Board endingAtEndOfInterrupt() {
        endingAtEndOfInterrupt = true;
        return this;
    }

    boolean hasEnded() {
        return ended;
    }

    /// Runs a vCPU to its end, or to an exit of another kind. What a KVM without hardware virtualization cannot emulate skips the test.
    VmExit resume(int id) {
        Vcpu vcpu = vcpu(id);
        try (ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory())) {
            var limit = timer.schedule(() -> {
                late = true;
                vcpu.kick();
            }, PATIENCE_SECONDS, TimeUnit.SECONDS);
            VmExit exit = vcpu.run(this);
            limit.cancel(false);
            timer.shutdownNow();
            if (late) throw new AssertionError("the payload does not end; rip %#x; %s".formatted(vcpu.state().rip, told()));
            if (exit instanceof VmExit.Fatal fatal) {
                String bytes = HexFormat.ofDelimiter(" ").formatHex(fatal.bytes());
                String what = "%s; %s, rip %#x, bytes %s".formatted(fatal.reason(), fatal.mode(), fatal.rip(), bytes);
                if (engine.isSoftwareOnly()) throw engine.skip(what);
                throw new AssertionError(what);
            }
            return exit;
        }
    }

    /// The accesses so far: `out 10 1 ff`, `in 10 1`, `write d0000000 4 1234`, `read d0000000 4`.
    List<String> accesses() {
        return List.copyOf(accesses);
    }

    String nextAccess() throws InterruptedException {
        String access = accesses.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (access == null) throw new AssertionError("nothing was accessed");
        return access;
    }

    List<Integer> endsOfInterrupt() {
        return List.copyOf(endsOfInterrupt);
    }

    private String told() {
        return "accesses: " + accesses;
    }

    @Override
    public long portRead(int port, int size) {
        accesses.add("in %x %d".formatted(port, size));
        return reads.applyAsLong(port);
    }

    @Override
    public void portWrite(int port, int size, long value) {
        if (port == END) {
            end((int) value & 0xff);
        } else {
            accesses.add("out %x %d %x".formatted(port, size, low(value, size)));
            whenWritten.accept(port);
        }
    }

    private void end(int value) {
        endValue = value;
        ended = true;
        vcpus.forEach(Vcpu::kick);
    }

    private static long low(long value, int size) {
        return size == 8 ? value : value & (1L << 8 * size) - 1;
    }

    @Override
    public long mmioRead(long gpa, int size) {
        accesses.add("read %x %d".formatted(gpa, size));
        return reads.applyAsLong(gpa);
    }

    @Override
    public void mmioWrite(long gpa, int size, long value) {
        accesses.add("write %x %d %x".formatted(gpa, size, low(value, size)));
    }

    @Override
    public int acknowledgeInterrupt() {
        whenAcknowledged.run();
        return interruptVector.get();
    }

    @Override
    public void endOfInterrupt(int vector) {
        endsOfInterrupt.add(vector);
        if (endingAtEndOfInterrupt) end(vector);
    }

    @Override
    public void close() {
        vm.close();
        if (ownsMemory) memory.close();
    }
}
