package io.kahvem.jvm;

import io.kahvem.apic.ApicOwner;
import io.kahvem.apic.LocalApic;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.DebugControl;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.CpuStates;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.interpret.Block;
import io.kahvem.jvm.interpret.BlockFinder;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.jvm.semantics.Debug;
import io.kahvem.jvm.semantics.Interrupts;
import io.kahvem.jvm.translate.Tiers;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A vCPU of the Java engine: the loop that runs blocks, and between blocks looks for what came from outside.
///
/// Everything from outside (interrupts, kicks, requests of other vCPUs) sets a bit of one word, [Cpu#wanted()], which is polled before each
/// block. Time is looked at every [#BLOCKS_BETWEEN_POLLS] blocks, some tens of microseconds.
final class JvmVcpu implements Vcpu, ApicOwner {
    private static final int BLOCKS_BETWEEN_POLLS = 2_000;

    /// Bits of [Cpu#wanted()].
    private static final int KICK = 1;

    private static final int EVENT = 2;
    private static final int REVOKE = 4;
    private static final int STAND = 8;

    private final JvmVm vm;
    private final Cpu c;
    private final BlockFinder blocks;
    private final Tiers tiers;

    /// Executing guest code, or about to: requests to give up the right to store are answered by this thread. When false they need no
    /// answer.
    private volatile boolean running;

    /// Waiting for another vCPU that has the memory for itself, or to become that; see [Standstill].
    private volatile boolean standing;

    /// The last revocation ([JvmVm#revocations]) this vCPU has obeyed.
    private volatile long obeyed;

    /// The last change of slots ([JvmVm#slotChanges]) this vCPU has obeyed.
    private long slotChangesObeyed;

    /// Who is in [#run].
    private volatile @Nullable Thread runner;

    private volatile @Nullable Thread sleeper;
    private volatile long retired;

    /// What another engine had taken for delivery and not delivered: delivered first when this runs.
    private CpuState.@Nullable Event undelivered;

    private final Debugger debugger;

    JvmVcpu(JvmVm vm, int apicId) {
        this.vm = vm;
        LocalApic apic = new LocalApic(apicId, apicId == 0, vm.apics(), vm.clock(), this);
        Mmu mmu = new Mmu(vm.memory(), (cpu, gpa, bytes) -> vm.code().codeWritten(gpa, bytes), vm.standstill().of(this));
        c = new Cpu(apicId, mmu, apic, vm.model(), vm.clock(), vm.entropy());
        blocks = new BlockFinder(vm.memory(), vm.code(), vm.spinner(), vm.opcodes(), this::revokeStores);
        c.entries = blocks;
        tiers = new Tiers(blocks, vm.translator());
        c.waitForSipi = apicId != 0;
        CpuStates.reset(c);
        debugger = new Debugger(c, vm.memory());
    }

    @Override
    public int apicId() {
        return c.apicId;
    }

    @Override
    public VmExit run(VmIo io) {
        c.io = io;
        runner = Thread.currentThread();
        running = true;
        obey();
        vm.standstill().pass(this);
        try {
            CpuState.Event event = undelivered;
            if (event != null) {
                undelivered = null;
                deliver(event);
            }
            return loop();
        } catch (RuntimeException | Error e) {
            return fatal(e);
        } finally {
            running = false;
            runner = null;
            retired = c.retired;
            c.io = null;
        }
    }

    private VmExit loop() {
        Block block = null;
        c.blocksUntilPoll = BLOCKS_BETWEEN_POLLS;
        for (; ; ) {
            if (--c.blocksUntilPoll < 0 || c.wanted() != 0 || c.halted) {
                if (c.interruptShadow) endShadow();
                VmExit exit = poll();
                if (exit != null) return exit;
                c.blocksUntilPoll = BLOCKS_BETWEEN_POLLS;
                block = null;
            }
            if (block == null) {
                if ((c.mode & Mode.STEP) != 0) {
                    VmExit exit = step();
                    if (exit != null) return exit;
                    continue;
                }
                block = blocks.find(c);
            }
            if (block != null) {
                block = tiers.execute(c, block);
            }
            if (c.stop != Cpu.NONE) {
                stopped();
                block = null;
            }
        }
    }

    /// STI, MOV SS and POP SS hold interrupts off for one more instruction: executes just that one, since the rest of its block might close
    /// the window again.
    private void endShadow() {
        c.interruptShadow = false;
        if (c.halted || (c.mode & Mode.STEP) != 0) return;
        c.mode |= Mode.STEP; // a block of one instruction
        Block block = blocks.find(c);
        c.mode &= ~Mode.STEP;
        if (block != null) {
            c.retired += block.count;
            block.first.exec(c, c.r);
        }
        stopped();
    }

    /// One instruction under single step or breakpoints, the guest's or a debugger's; an exit for a debugger, or null.
    private @Nullable VmExit step() {
        VmExit exit = debugger.before();
        if (exit == null) {
            instruction();
            exit = debugger.after();
        }
        return exit;
    }

    private void instruction() {
        if (debugger.hasBreakpoints()) {
            c.rflags &= ~Flags.RF;
        } else if (Debug.instructionBreakpoint(c)) {
            stopped();
            return;
        }
        Block block = blocks.find(c);
        if (block != null) {
            c.retired += block.count;
            block.first.exec(c, c.r);
        }
        c.linkFrom = null;
        if (c.faulted()) {
            stopped();
            return;
        }
        if (c.stop == Cpu.REPEAT && c.resumed) c.rflags |= Flags.RF; // the instruction goes on
        c.stop = Cpu.NONE;
        Debug.afterInstruction(c);
        if (c.stop != Cpu.NONE) stopped();
    }

    /// After an instruction that must end its block: delivers the exception it noted, if it did.
    private void stopped() {
        boolean fault = c.faulted();
        c.stop = Cpu.NONE;
        c.linkFrom = null;
        if (fault) Interrupts.deliverFault(c);
    }

    /// Looks for what came from outside; sleeps in HLT. Returns an exit, or null to run on.
    private @Nullable VmExit poll() {
        c.linkFrom = null;
        for (; ; ) {
            int wanted = c.takeWanted();
            retired = c.retired;
            if ((wanted & REVOKE) != 0) obey();
            vm.standstill().pass(this);
            if ((wanted & KICK) != 0) return new VmExit.Kicked();
            long now = vm.clock().nanoTime();
            if (now >= c.apic.nextDeadlineNanos()) c.apic.tick(now);
            events();
            if (c.shutdown != null) return new VmExit.Shutdown(c.shutdown);
            if (!c.waitForSipi) {
                interrupt();
                if (c.shutdown != null) continue;
                if (!c.halted) return null;
            }
            sleep();
        }
    }

    /// INIT, SIPI and NMI.
    private void events() {
        if (!takeEventsToNmi()) return;
        if (c.nmiBlocked || c.interruptShadow || c.waitForSipi) {
            c.apic.keepEvents(LocalApic.EVENT_NMI);
        } else {
            c.halted = false;
            Interrupts.deliver(c, Exceptions.NMI, Interrupts.Kind.EXTERNAL, 0, false);
            c.nmiBlocked = true;
        }
    }

    /// INIT and SIPI; true where an NMI was among the events.
    private boolean takeEventsToNmi() {
        int events = c.apic.takeEvents();
        if ((events & LocalApic.EVENT_INIT) != 0) {
            CpuStates.init(c);
            c.waitForSipi = c.apicId != 0;
        }
        if ((events & LocalApic.EVENT_STARTUP) != 0 && c.waitForSipi) {
            CpuStates.startup(c, c.apic.startupVector());
            c.waitForSipi = false;
        }
        return (events & LocalApic.EVENT_NMI) != 0;
    }

    /// Delivers the interrupt with the highest priority, if the CPU takes one now.
    private void interrupt() {
        int vector = c.apic.pendingVector();
        if (vector == LocalApic.NO_VECTOR) return;
        if ((c.rflags & Flags.IF) == 0 || c.interruptShadow) {
            if (!c.halted) c.attract(EVENT); // look again after the next block
            return;
        }
        vector = c.apic.acknowledge();
        if (vector == LocalApic.EXT_INT) vector = io().acknowledgeInterrupt();
        c.halted = false;
        Interrupts.deliver(c, vector, Interrupts.Kind.EXTERNAL, 0, false);
    }

    private VmIo io() {
        VmIo io = c.io;
        if (io == null) throw new AssertionError("guest code runs inside run()");
        return io;
    }

    /// Sleeps until something from outside or the APIC's timer is due.
    private void sleep() {
        sleeper = Thread.currentThread();
        running = false;
        while (c.wanted() == 0) {
            long deadline = c.apic.nextDeadlineNanos();
            if (deadline == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else {
                long nanos = deadline - vm.clock().nanoTime();
                if (nanos <= 0) break;
                LockSupport.parkNanos(this, nanos);
            }
        }
        sleeper = null;
        running = true;
        obey();
        vm.standstill().pass(this);
    }

    // From other threads

    @Override
    public void kick() {
        signal(KICK);
    }

    @Override
    public void attention() {
        signal(EVENT);
    }

    @Override
    public void endOfInterrupt(int vector) {
        io().endOfInterrupt(vector);
    }

    private void signal(int bit) {
        c.attract(bit);
        Thread thread = sleeper;
        if (thread != null) LockSupport.unpark(thread);
    }

    /// A page has become code: no vCPU may go on storing to it unseen. Returns when none does.
    private void revokeStores() {
        long number = vm.revocations().incrementAndGet();
        obey();
        for (JvmVcpu other : vm.vcpus()) {
            if (other != this && other.running) other.signal(REVOKE);
        }
        for (JvmVcpu other : vm.vcpus()) {
            if (other == this) continue;
            for (int spins = 0; other.running && other.obeyed < number; spins++) {
                obey(); // others may be waiting for this one
                if (spins > 1_000) Thread.yield();
                Thread.onSpinWait();
            }
        }
    }

    /// The same by a thread that is no vCPU's, and that holds no lock a device takes.
    void awaitNoStores(long number) {
        if (running) signal(REVOKE);
        for (int spins = 0; running && obeyed < number; spins++) {
            if (spins > 1_000) Thread.yield();
            Thread.onSpinWait();
        }
    }

    /// A slot is gone: at once for this vCPU's own thread, in a device then; else soon.
    void slotRemoved() {
        if (runner == Thread.currentThread()) {
            obey();
        } else {
            signal(REVOKE);
        }
    }

    /// Whether no instruction of this vCPU is under way, nor will be before it has passed the [Standstill]. Any thread.
    boolean stands() {
        return !running || standing;
    }

    void standing(boolean standing) {
        this.standing = standing;
    }

    void askToStand() {
        signal(STAND);
    }

    /// Gives up the right to access memory unseen, if that was asked for. This vCPU's thread.
    void obey() {
        long number = vm.revocations().get();
        if (obeyed == number) return;
        long changes = vm.slotChanges();
        if (slotChangesObeyed == changes) {
            c.mmu.flushWritable();
        } else {
            c.mmu.flush();
            slotChangesObeyed = changes;
        }
        obeyed = number;
    }

    // State

    @Override
    public CpuState state() {
        boolean nmi = takeEventsToNmi();
        if (nmi) c.apic.keepEvents(LocalApic.EVENT_NMI);
        CpuState state = CpuStates.get(c);
        state.nmiPending = nmi;
        state.event = undelivered;
        return state;
    }

    @Override
    public void setState(CpuState state) {
        CpuStates.set(c, state);
        if (state.nmiPending) c.apic.keepEvents(LocalApic.EVENT_NMI);
        c.apic.renotify();
        undelivered = state.event;
    }

    @Override
    public boolean setDebug(DebugControl control) {
        debugger.set(control);
        return true;
    }

    private void deliver(CpuState.Event event) {
        boolean coded = event.errorCode() != CpuState.Event.NO_ERROR_CODE;
        Interrupts.Kind kind = switch (event.kind()) {
            case EXTERNAL_INTERRUPT, NMI -> Interrupts.Kind.EXTERNAL;
            case EXCEPTION -> Interrupts.Kind.EXCEPTION;
            case SOFTWARE_INTERRUPT -> Interrupts.Kind.SOFTWARE;
        };
        c.halted = false;
        Interrupts.deliver(c, event.vector(), kind, coded ? (int) event.errorCode() : 0, coded);
        if (event.kind() == CpuState.Event.Kind.NMI) c.nmiBlocked = true;
    }

    @Override
    public long instructionsRetired() {
        return running ? retired : Math.max(retired, c.retired);
    }

    /// Adds what is counted for this vCPU to `to`. Any thread; approximate while it runs.
    void count(Map<String, Long> to) {
        long translated = tiers.translatedInstructions();
        to.merge("interpreted-instructions", Math.max(0, instructionsRetired() - translated), Long::sum);
        to.merge("translated-instructions", translated, Long::sum);
        to.merge("blocks-decoded", blocks.decoded(), Long::sum);
        tiers.count(to);
        c.mmu.count(to);
    }

    private VmExit fatal(Throwable t) {
        byte[] bytes = new byte[15];
        long rip = c.r[Cpu.RIP];
        long gpa = c.mmu.peek(c, c.code64() ? rip : c.segmentBase(Cpu.CS) + rip);
        if (gpa >= 0) vm.memory().read(gpa, bytes, 0, bytes.length);
        StackTraceElement[] trace = t.getStackTrace();
        return new VmExit.Fatal(t + (trace.length == 0 ? "" : " at " + trace[0]), modeName(), rip, bytes);
    }

    private String modeName() {
        if (!c.protectedMode()) return "real mode";
        if (c.virtual8086()) return "virtual-8086 mode";
        return switch (c.mode & Mode.SIZE) {
            case Mode.CODE64 -> "64-bit mode";
            case Mode.CODE32 -> "32-bit mode";
            default -> "16-bit protected mode";
        } + ", CPL " + c.cpl;
    }
}
