package io.kahvem.jvm;

import io.kahvem.hypervisor.DebugControl;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.memory.GuestMemory;
import org.jspecify.annotations.Nullable;

/// What a debugger has asked of a vCPU ([DebugControl]), looked at around each instruction: never in translated code, since
/// [Cpu#watched] makes every instruction a block of its own. The vCPU's own thread.
final class Debugger {
    /// DR6 without a reason, and its bit for a single step (SDM Vol. 3B, 18.2.3).
    private static final long DR6_NONE = 0xffff_0ff0L;

    private static final long DR6_BS = 1 << 14;
    private static final int INT3 = 0xcc;

    private final Cpu c;
    private final GuestMemory memory;
    private DebugControl control = DebugControl.OFF;

    Debugger(Cpu c, GuestMemory memory) {
        this.c = c;
        this.memory = memory;
    }

    void set(DebugControl control) {
        this.control = control;
        c.watched = !control.isOff();
        c.modeChanged();
    }

    boolean hasBreakpoints() {
        return !control.breakpoints().isEmpty();
    }

    /// Before an instruction; RFLAGS.RF lets one go past a breakpoint.
    @Nullable VmExit before() {
        if (control.isOff()) return null;
        long at = linear();
        if ((c.rflags & Flags.RF) == 0) {
            int hits = 0;
            for (int n = 0; n < control.breakpoints().size(); n++) {
                if (control.breakpoints().get(n) == at) hits |= 1 << n;
            }
            if (hits != 0) return new VmExit.Debug(at, DR6_NONE | hits);
        }
        if (!control.int3()) return null;
        long gpa = c.mmu.peek(c, at);
        return gpa >= 0 && memory.read8(gpa) == INT3 ? new VmExit.Debug(at, 0) : null;
    }

    /// After an instruction, and what it raised.
    @Nullable VmExit after() {
        return control.singleStep() ? new VmExit.Debug(linear(), DR6_NONE | DR6_BS) : null;
    }

    private long linear() {
        long rip = c.r[Cpu.RIP];
        return c.code64() ? rip : rip + c.segmentBase(Cpu.CS) & 0xffff_ffffL;
    }
}
