package io.kahvem.kvm;

import static io.kahvem.kvm.abi.Constants.*;

import io.kahvem.apic.LocalApic;
import io.kahvem.host.Errno;
import io.kahvem.host.Ioctl;
import io.kahvem.host.Words;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.DebugControl;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// A vCPU of the kernel's: KVM_RUN, and what is done between two of them.
///
/// `run` returns only after a KVM_RUN that ended with EINTR, or with an exit that leaves no access of the guest half done: the kernel
/// finishes an IN or a load from a device when it is called again, and `immediate_exit` then ends that call before the next instruction.
/// Nothing is allocated for an exit.
final class KvmVcpu implements Vcpu {
    private static final long KVM_RUN = Request.KVM_RUN.number;

    /// Bits 10-8 and 16 of an LVT entry (SDM Vol. 3A, figure 12-8).
    private static final int LVT_LINT1 = 0x360;

    private static final int LVT_MASKED = 1 << 16;
    private static final int LVT_NMI = 4;
    private static final long APIC_ENABLED = 1 << 11;

    /// DR6 with its bit BS alone (SDM Vol. 3B, 18.2.3).
    private static final long DR6_SINGLE_STEP = 0xffff_4ff0L;

    private final KvmVm vm;
    private final int apicId;
    private final KvmFile file;
    private final int fd;
    private final Ioctl ioctl = new Ioctl();
    private final RunPage run;
    private final VcpuStates states;
    private final Kicker kicker;
    private final @Nullable OwnApic own;
    private final Diagnosis diagnosis;
    private final Stuck stuck = new Stuck();
    private final Struct interrupt = Struct.allocate(Arena.ofAuto(), Structs.INTERRUPT);

    /// Counts calls of KVM_RUN. Written by the vCPU's thread; the watchdog compares it with what it saw last.
    private volatile long entries;

    private long entriesSeen = -1;

    private long keptTsc;

    private boolean singleStep;

    /// The instruction of a single step has made an access: the step ends when the kernel has finished it, which the kernel does not tell.
    private boolean finishingStep;

    KvmVcpu(KvmVm vm, int apicId, KvmFile file, RunPage run, Kicker kicker, VcpuStates states, @Nullable OwnApic own) {
        this.vm = vm;
        this.apicId = apicId;
        this.file = file;
        this.fd = file.descriptor().number();
        this.run = run;
        this.states = states;
        this.kicker = kicker;
        this.own = own;
        this.diagnosis = new Diagnosis(file, run, states, vm);
    }

    @Override
    public int apicId() {
        return apicId;
    }

    @Override
    public VmExit run(VmIo io) {
        kicker.enter();
        if (own != null) own.enter(io);
        try {
            while (true) {
                VmExit exit = enterGuest(io);
                if (exit != null) return exit;
            }
        } finally {
            if (own != null) own.leave();
            kicker.leave();
        }
    }

    /// One KVM_RUN and what it asks for; an exit, or null to go on.
    private @Nullable VmExit enterGuest(VmIo io) {
        if (own == null) {
            offerInterrupt(io);
        } else {
            takeEvents(own);
            if (own.sleeps()) return requested(kicker.await());
            offerInterrupt(io, own);
            own.beforeRun();
        }
        entries++;
        kicker.setInGuest(true);
        int result = ioctl.call(fd, KVM_RUN, 0);
        kicker.setInGuest(false);
        if (own != null) own.afterRun();
        if (result < 0) return interrupted(result);
        switch (run.get32(RunPage.EXIT_REASON)) {
            case KVM_EXIT_IO -> {
                portAccess(io);
                if (singleStep) finishStep();
            }
            case KVM_EXIT_MMIO -> {
                memoryAccess(io);
                if (singleStep) finishStep();
            }
            case KVM_EXIT_IOAPIC_EOI -> io.endOfInterrupt(run.get8(RunPage.EOI_VECTOR));
            case KVM_EXIT_HLT -> {
                if (own != null) own.halt();
            }
            case KVM_EXIT_IRQ_WINDOW_OPEN, KVM_EXIT_INTR, KVM_EXIT_SET_TPR -> {}
            case KVM_EXIT_DIRTY_RING_FULL -> vm.slots().ringFull();
            case KVM_EXIT_SHUTDOWN -> {
                return new VmExit.Shutdown("triple fault");
            }
            case KVM_EXIT_DEBUG -> {
                finishingStep = false;
                return new VmExit.Debug(run.get64(RunPage.DEBUG_PC), debugReason());
            }
            default -> {
                return diagnosis.fatal(run.get32(RunPage.EXIT_REASON));
            }
        }
        return null;
    }

    /// INTR is high: gives the kernel the 8259 pair's vector if the guest takes it now, else asks to be told when it does.
    private void offerInterrupt(VmIo io) {
        boolean pending = vm.intr();
        if (pending && run.get8(RunPage.READY_FOR_INTERRUPT_INJECTION) != 0) {
            states.interrupt(io.acknowledgeInterrupt());
            run.put8(RunPage.READY_FOR_INTERRUPT_INJECTION, 0);
            pending = vm.intr();
        }
        run.put8(RunPage.REQUEST_INTERRUPT_WINDOW, pending ? 1 : 0);
    }

    /// The same with an APIC of ours, which knows what is pending.
    private void offerInterrupt(VmIo io, OwnApic own) {
        LocalApic apic = own.registers();
        if (apic.pendingVector() == LocalApic.NO_VECTOR) {
            run.put8(RunPage.REQUEST_INTERRUPT_WINDOW, 0);
            return;
        }
        if (run.get8(RunPage.READY_FOR_INTERRUPT_INJECTION) != 0) {
            int vector = apic.acknowledge();
            if (vector == LocalApic.EXT_INT) vector = io.acknowledgeInterrupt();
            if (vector != LocalApic.NO_VECTOR) {
                Words.put32(interrupt.address(), vector);
                file.request(Request.KVM_INTERRUPT, interrupt.address(), "deliver an interrupt");
            }
            run.put8(RunPage.READY_FOR_INTERRUPT_INJECTION, 0);
        }
        run.put8(RunPage.REQUEST_INTERRUPT_WINDOW, apic.pendingVector() == LocalApic.NO_VECTOR ? 0 : 1);
    }

    /// INIT, SIPI and NMI for an APIC of ours.
    private void takeEvents(OwnApic own) {
        LocalApic apic = own.registers();
        if (apic.events() == 0) return;
        int events = apic.takeEvents();
        if ((events & LocalApic.EVENT_INIT) != 0) {
            apic.init();
            states.init();
            own.setWaitForSipi(apicId != 0);
        }
        if ((events & LocalApic.EVENT_STARTUP) != 0 && own.waitsForSipi()) {
            states.startUp(apic.startupVector());
            own.setWaitForSipi(false);
        }
        if ((events & LocalApic.EVENT_NMI) == 0) return;
        if (own.waitsForSipi() || own.isHalted() && states.nmiBlocked()) {
            apic.keepEvents(LocalApic.EVENT_NMI);
        } else {
            own.wake();
            file.request(Request.KVM_NMI, 0, "deliver an NMI");
        }
    }

    /// The kernel's counter goes on while the guest's time stands still; no thread is in `run`.
    void keepTsc() {
        keptTsc = states.tsc();
    }

    void restoreTsc() {
        states.setTsc(keptTsc);
    }

    private @Nullable VmExit interrupted(int result) {
        switch (-result) {
            case Errno.EINTR -> {
                return requested(kicker.take());
            }
            case Errno.EAGAIN -> { // a vCPU that waited for its start has been started
                return null;
            }
            default -> throw KvmFile.refused(Request.KVM_RUN, result, "run vCPU " + apicId);
        }
    }

    private @Nullable VmExit requested(int bits) {
        if ((bits & Kicker.NMI) != 0) deliverNmi();
        if ((bits & Kicker.WATCHDOG) != 0) {
            VmExit dead = stillThere();
            if (dead != null) return dead;
        }
        boolean stepped = finishingStep;
        finishingStep = false;
        if ((bits & Kicker.KICK) != 0) return new VmExit.Kicked();
        return stepped ? new VmExit.Debug(states.linearRip(), DR6_SINGLE_STEP) : null;
    }

    private void finishStep() {
        finishingStep = true;
        kicker.finish();
    }

    private void portAccess(VmIo io) {
        int port = run.get16(RunPage.IO_PORT);
        int size = run.get8(RunPage.IO_SIZE);
        int count = run.get32(RunPage.IO_COUNT);
        long data = run.get64(RunPage.IO_DATA_OFFSET);
        if (run.get8(RunPage.IO_DIRECTION) == KVM_EXIT_IO_OUT) {
            for (int n = 0; n < count; n++, data += size) io.portWrite(port, size, get(data, size));
        } else {
            for (int n = 0; n < count; n++, data += size) put(data, size, io.portRead(port, size));
        }
    }

    private void memoryAccess(VmIo io) {
        long gpa = run.get64(RunPage.MMIO_PHYS_ADDR);
        int size = run.get32(RunPage.MMIO_LEN);
        boolean write = run.get8(RunPage.MMIO_IS_WRITE) != 0;
        if (Integer.bitCount(size) == 1) {
            memoryAccess(io, gpa, size, RunPage.MMIO_DATA, write);
        } else { // part of an access across a page's end
            for (int n = 0; n < size; n++) memoryAccess(io, gpa + n, 1, RunPage.MMIO_DATA + n, write);
        }
    }

    private void memoryAccess(VmIo io, long gpa, int size, long data, boolean write) {
        if (own != null && own.registers().covers(gpa)) {
            LocalApic apic = own.registers();
            if (write) apic.mmioWrite(gpa, size, get(data, size));
            else put(data, size, apic.mmioRead(gpa, size));
            return;
        }
        if (write) {
            io.mmioWrite(gpa, size, get(data, size));
        } else {
            put(data, size, io.mmioRead(gpa, size));
        }
    }

    private long get(long offset, int size) {
        return switch (size) {
            case 1 -> run.get8(offset);
            case 2 -> run.get16(offset);
            case 4 -> run.get32(offset) & 0xffff_ffffL;
            default -> run.get64(offset);
        };
    }

    private void put(long offset, int size, long value) {
        switch (size) {
            case 1 -> run.put8(offset, (int) value);
            case 2 -> run.put16(offset, (int) value);
            case 4 -> run.put32(offset, (int) value);
            default -> run.put64(offset, value);
        }
    }

    // Requests of other threads

    @Override
    public void kick() {
        kicker.request(Kicker.KICK);
    }

    void intrRaised() {
        kicker.requestUnlessOwner(Kicker.INTR);
    }

    void pulseNmi() {
        kicker.request(Kicker.NMI);
    }

    /// The watchdog's thread.
    void kickIfStill() {
        long now = entries;
        if (now == entriesSeen && kicker.isInGuest()) kicker.request(Kicker.WATCHDOG);
        entriesSeen = entries;
    }

    /// LINT1 leads to the NMI input unless the guest has programmed its APIC otherwise.
    private void deliverNmi() {
        try (Arena arena = Arena.ofConfined()) {
            Struct apic = Struct.allocate(arena, Structs.LAPIC_STATE);
            file.request(Request.KVM_GET_LAPIC, apic.address(), "look at LINT1");
            int entry = apic.segment().get(ValueLayout.JAVA_INT, LVT_LINT1);
            boolean enabled = (run.get64(RunPage.APIC_BASE) & APIC_ENABLED) != 0;
            if (!enabled || (entry & LVT_MASKED) == 0 && (entry >> 8 & 7) == LVT_NMI) {
                file.request(Request.KVM_NMI, 0, "deliver an NMI");
            }
        }
    }

    /// After a kick of the watchdog.
    private @Nullable VmExit stillThere() {
        try (Arena arena = Arena.ofConfined()) {
            Struct regs = states.registers(arena);
            byte[] bytes = diagnosis.bytesAtRip(arena);
            String instruction = stuck.at(regs, bytes);
            return instruction == null ? null : diagnosis.stuckAt(instruction, bytes);
        }
    }

    // State

    @Override
    public CpuState state() {
        if (own != null) takeEvents(own);
        return states.get();
    }

    @Override
    public void setState(CpuState state) {
        stuck.moved();
        states.set(state);
        // Whether this state is ready for an interrupt is told by the next KVM_RUN, which shall not sleep in a HLT before.
        run.put8(RunPage.READY_FOR_INTERRUPT_INJECTION, 0);
        kicker.finish();
    }

    @Override
    public boolean setDebug(DebugControl control) {
        try (Arena arena = Arena.ofConfined()) {
            Struct debug = Struct.allocate(arena, Structs.GUEST_DEBUG);
            singleStep = control.singleStep();
            int flags = control.isOff() ? 0 : KVM_GUESTDBG_ENABLE;
            if (control.singleStep()) flags |= KVM_GUESTDBG_SINGLESTEP;
            if (control.int3()) flags |= KVM_GUESTDBG_USE_SW_BP;
            if (!control.breakpoints().isEmpty()) flags |= KVM_GUESTDBG_USE_HW_BP;
            debug.set("control", flags);
            long dr7 = 0x400;
            for (int n = 0; n < control.breakpoints().size(); n++) {
                debug.set("arch.debugreg[" + n + "]", control.breakpoints().get(n));
                dr7 |= 2L << 2 * n; // Gn; type 0: at execution
            }
            debug.set("arch.debugreg[7]", dr7);
            return file.attempt(Request.KVM_SET_GUEST_DEBUG, debug.address()) >= 0;
        }
    }

    private long debugReason() {
        return run.get32(RunPage.DEBUG_EXCEPTION) == 3 ? 0 : run.get64(RunPage.DEBUG_DR6);
    }

    /// The kernel does not count them.
    @Override
    public long instructionsRetired() {
        return -1;
    }

    /// The thread has left [#run] for good.
    void close() {
        kicker.close();
        run.close();
        file.close();
    }
}
