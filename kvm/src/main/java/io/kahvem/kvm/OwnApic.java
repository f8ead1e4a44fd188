package io.kahvem.kvm;

import io.kahvem.apic.ApicOwner;
import io.kahvem.apic.LocalApic;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.Activity;
import io.kahvem.hypervisor.VmIo;
import org.jspecify.annotations.Nullable;

/// A vCPU's local APIC where the kernel has none, with what then is ours too: HLT, the wait for SIPI, INIT. The vCPU's own thread, but for
/// [#attention].
///
/// CR8 and IA32_APIC_BASE are kept in both places and carried over at each KVM_RUN, which takes and gives them.
final class OwnApic implements ApicOwner {
    private static final int RFLAGS_IF = 1 << 9;

    private final LocalApic apic;
    private final OwnApics all;
    private final RunPage run;
    private final Kicker kicker;
    private @Nullable VmIo io;
    private boolean waitForSipi;
    private boolean halted;

    /// RFLAGS.IF at HLT.
    private boolean interruptible;

    OwnApic(int apicId, OwnApics all, RunPage run, Kicker kicker) {
        this.all = all;
        this.run = run;
        this.kicker = kicker;
        this.waitForSipi = apicId != 0;
        this.apic = all.create(apicId, this);
    }

    LocalApic registers() {
        return apic;
    }

    /// Something may be pending. Any thread; the vCPU's own looks before each KVM_RUN anyway.
    @Override
    public void attention() {
        kicker.requestUnlessOwner(Kicker.INTR);
    }

    @Override
    public void timerSet(long deadlineNanos) {
        all.timerSet(deadlineNanos);
    }

    @Override
    public void endOfInterrupt(int vector) {
        VmIo to = io;
        if (to != null) to.endOfInterrupt(vector);
    }

    /// The machine around the vCPU from here on.
    void enter(VmIo io) {
        this.io = io;
    }

    void leave() {
        io = null;
    }

    // Around KVM_RUN

    void beforeRun() {
        run.put64(RunPage.CR8, apic.cr8());
    }

    void afterRun() {
        int cr8 = (int) run.get64(RunPage.CR8);
        if (cr8 != apic.cr8()) apic.setCr8(cr8);
        long base = run.get64(RunPage.APIC_BASE);
        if (base != apic.base()) apic.setBase(base);
    }

    /// KVM_EXIT_HLT.
    void halt() {
        halted = true;
        interruptible = run.get8(RunPage.IF_FLAG) != 0;
    }

    // Sleep

    /// Whether the vCPU executes nothing until something comes from outside.
    boolean sleeps() {
        if (waitForSipi) return true;
        if (halted && interruptible && apic.pendingVector() != LocalApic.NO_VECTOR) halted = false;
        return halted;
    }

    boolean isHalted() {
        return halted;
    }

    void wake() {
        halted = false;
    }

    boolean waitsForSipi() {
        return waitForSipi;
    }

    /// SIPI or an INIT.
    void setWaitForSipi(boolean waits) {
        waitForSipi = waits;
        halted = false;
    }

    // State

    Activity activity() {
        return waitForSipi ? Activity.WAIT_FOR_SIPI : halted ? Activity.HALTED : Activity.RUNNING;
    }

    void restore(long base, byte[] page, CpuState state) {
        apic.restoreBase(base);
        apic.restore(page);
        if (state.nmiPending) apic.keepEvents(LocalApic.EVENT_NMI);
        waitForSipi = state.activity == Activity.WAIT_FOR_SIPI;
        halted = state.activity == Activity.HALTED;
        interruptible = (state.rflags & RFLAGS_IF) != 0;
    }
}
