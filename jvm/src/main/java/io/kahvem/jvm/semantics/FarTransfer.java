package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.CS;
import static io.kahvem.jvm.cpu.Cpu.RIP;
import static io.kahvem.jvm.cpu.Cpu.RSP;
import static io.kahvem.jvm.cpu.Cpu.SS;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.SegmentCheck;
import io.kahvem.jvm.mmu.Mmu;

/// Far JMP, CALL and RET, and IRET (SDM Vol. 2; Vol. 3A, 5.8): between code segments, through call gates, to other tasks. RIP stands at
/// the next instruction while they run.
public final class FarTransfer {
    private FarTransfer() {}

    /// What each code segment lets the flags of IRET change: IF depends on IOPL, IOPL itself on CPL 0.
    private static final long IRET_ALWAYS = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT | Flags.RF | Flags.AC | Flags.ID;

    // JMP and CALL

    public static void jmpDirect(Cpu c, Insn i) {
        jump(c, i.imm2 & 0xffff, i.imm);
    }

    public static void jmpIndirect(Cpu c, Insn i) {
        int bytes = 1 << i.size();
        long gva = i.address(c, bytes + 2, false);
        if (c.faulted()) return;
        long offset = Mmu.load(c, gva, bytes);
        if (c.faulted()) return;
        long selector = Mmu.load16(c, gva + bytes);
        if (!c.faulted()) jump(c, (int) selector, offset);
    }

    public static void callDirect(Cpu c, Insn i) {
        call(c, i.imm2 & 0xffff, i.imm, i.size());
    }

    public static void callIndirect(Cpu c, Insn i) {
        int bytes = 1 << i.size();
        long gva = i.address(c, bytes + 2, false);
        if (c.faulted()) return;
        long offset = Mmu.load(c, gva, bytes);
        if (c.faulted()) return;
        long selector = Mmu.load16(c, gva + bytes);
        if (!c.faulted()) call(c, (int) selector, offset, i.size());
    }

    private static void jump(Cpu c, int selector, long offset) {
        if (!c.protectedMode() || c.virtual8086()) {
            toReal(c, selector, offset);
            return;
        }
        long d = target(c, selector);
        if (c.faulted()) return;
        if (Descriptors.system(d)) {
            jumpSystem(c, selector, d);
            return;
        }
        checkCode(c, selector, d);
        checkOffset(c, d, offset);
        if (!c.faulted()) enter(c, selector, d, c.cpl, offset);
    }

    private static void toReal(Cpu c, int selector, long offset) {
        if (offset > c.limit[CS]) {
            c.generalProtection();
            return;
        }
        setRealCode(c, selector);
        c.r[RIP] = offset;
        c.modeChanged();
    }

    private static void setRealCode(Cpu c, int selector) {
        if (c.virtual8086()) {
            Segments.set8086(c, CS, selector);
        } else {
            Segments.setReal(c, CS, selector);
        }
    }

    /// A transfer's descriptor; #GP for a null selector and one outside its table.
    private static long target(Cpu c, int selector) {
        if (Descriptors.isNull(selector)) return c.generalProtection();
        return Descriptors.load(c, selector, Exceptions.GP, 0);
    }

    /// Whether a direct transfer may go to the code segment `d` (SDM Vol. 3A, 5.8.1).
    private static void checkCode(Cpu c, int selector, long d) {
        int error = selector & 0xfffc;
        boolean allowed = Descriptors.code(d)
                && (Descriptors.conforming(d) ? Descriptors.dpl(d) <= c.cpl : (selector & 3) <= c.cpl && Descriptors.dpl(d) == c.cpl)
                && !(c.longMode() && Descriptors.long64(d) && Descriptors.big(d));
        if (!allowed) {
            c.raise(Exceptions.GP, error);
        } else if (!Descriptors.present(d)) {
            c.raise(Exceptions.NP, error);
        }
    }

    private static void checkOffset(Cpu c, long code, long offset) {
        if (c.faulted()) return;
        boolean inside = c.longMode() && Descriptors.long64(code)
                ? Interrupts.canonical(offset)
                : Long.compareUnsigned(offset, Descriptors.limit(code)) <= 0;
        if (!inside) c.generalProtection();
    }

    private static void enter(Cpu c, int selector, long code, int cpl, long offset) {
        Descriptors.setAccessed(c, selector, code);
        if (c.faulted()) return;
        Segments.setCode(c, selector, code, cpl);
        c.r[RIP] = offset;
        c.modeChanged();
    }

    private static boolean isTss(long d) {
        return (Descriptors.type(d) & ~8 & ~Descriptors.TSS_BUSY) == Descriptors.TSS_16;
    }

    private static void jumpSystem(Cpu c, int selector, long d) {
        int type = Descriptors.type(d);
        if (isCallGate(c, type)) {
            long code = gateCode(c, selector, d, false);
            if (c.faulted()) return;
            long offset = gateOffset(c, selector, d);
            checkOffset(c, code, offset);
            if (!c.faulted()) enter(c, Descriptors.gateSelector(d), code, c.cpl, offset);
        } else {
            switchTask(c, selector, d, TaskSwitch.Reason.JMP);
        }
    }

    private static boolean isCallGate(Cpu c, int type) {
        return type == Descriptors.CALL_GATE_32 || type == Descriptors.CALL_GATE_16 && !c.longMode();
    }

    /// A TSS or task gate as the target.
    private static void switchTask(Cpu c, int selector, long d, TaskSwitch.Reason reason) {
        int error = selector & 0xfffc;
        boolean gate = Descriptors.type(d) == Descriptors.TASK_GATE;
        if (c.longMode() || !gate && !isTss(d) || Descriptors.dpl(d) < Math.max(c.cpl, selector & 3)) {
            c.raise(Exceptions.GP, error);
        } else if (!Descriptors.present(d)) {
            c.raise(Exceptions.NP, error);
        } else {
            TaskSwitch.to(c, gate ? Descriptors.gateSelector(d) : selector, reason);
        }
    }

    /// The code segment a call gate leads to, with all checks of SDM Vol. 3A, 5.8.3 and 5.8.4.
    private static long gateCode(Cpu c, int gateSelector, long gate, boolean call) {
        int gateError = gateSelector & 0xfffc;
        if (Descriptors.dpl(gate) < Math.max(c.cpl, gateSelector & 3)) return c.raise(Exceptions.GP, gateError);
        if (!Descriptors.present(gate)) return c.raise(Exceptions.NP, gateError);
        int selector = Descriptors.gateSelector(gate);
        long code = target(c, selector);
        if (c.faulted()) return 0;
        int error = selector & 0xfffc;
        boolean allowed = Descriptors.code(code) && Descriptors.dpl(code) <= c.cpl
                && (call || Descriptors.conforming(code) || Descriptors.dpl(code) == c.cpl)
                && (!c.longMode() || Descriptors.long64(code) && !Descriptors.big(code));
        if (!allowed) return c.raise(Exceptions.GP, error);
        return Descriptors.present(code) ? code : c.raise(Exceptions.NP, error);
    }

    private static long gateOffset(Cpu c, int gateSelector, long gate) {
        if (!c.longMode()) return Descriptors.type(gate) == Descriptors.CALL_GATE_16 ? gate & 0xffff : Descriptors.gateOffset(gate);
        long at = Descriptors.address(c, gateSelector, 16);
        if (at == Descriptors.OUTSIDE) return c.raise(Exceptions.GP, gateSelector & 0xfffc);
        long upper = Mmu.systemLoad(c, at + 8, 8);
        if (c.faulted()) return 0;
        if ((upper >>> 40 & 0x1f) != 0) return c.raise(Exceptions.GP, gateSelector & 0xfffc);
        return Descriptors.gateOffset(gate) | upper << 32;
    }

    private static void call(Cpu c, int selector, long offset, int size) {
        if (!c.protectedMode() || c.virtual8086()) {
            if (offset > c.limit[CS]) {
                c.generalProtection();
                return;
            }
            pushReturn(c, size);
            if (!c.faulted()) toReal(c, selector, offset);
            return;
        }
        long d = target(c, selector);
        if (c.faulted()) return;
        if (Descriptors.system(d)) {
            callSystem(c, selector, d);
            return;
        }
        checkCode(c, selector, d);
        checkOffset(c, d, offset);
        if (c.faulted()) return;
        Descriptors.setAccessed(c, selector, d);
        if (!c.faulted()) pushReturn(c, size);
        if (!c.faulted()) enter(c, selector, d, c.cpl, offset);
    }

    /// Pushes CS and RIP, both or none.
    private static void pushReturn(Cpu c, int size) {
        long sp = c.r[RSP];
        int form = size | (c.code64() ? Form.CODE64 : 0);
        push(c, form, c.selector[CS]);
        if (!c.faulted()) push(c, form, c.r[RIP]);
        if (c.faulted()) c.r[RSP] = sp;
    }

    /// As [Stack#push], with 32-bit operands in 64-bit code too, which only far transfers have.
    private static void push(Cpu c, int form, long value) {
        if ((form & Form.CODE64) == 0 || Form.bytes(form) != 4) {
            Stack.push(c, form, value);
            return;
        }
        Mmu.store32(c, c.r[RSP] - 4, value);
        if (!c.faulted()) c.r[RSP] -= 4;
    }

    private static void callSystem(Cpu c, int selector, long d) {
        int type = Descriptors.type(d);
        if (!isCallGate(c, type)) {
            switchTask(c, selector, d, TaskSwitch.Reason.CALL);
            return;
        }
        long code = gateCode(c, selector, d, true);
        if (c.faulted()) return;
        long offset = gateOffset(c, selector, d);
        checkOffset(c, code, offset);
        if (c.faulted()) return;
        int size = c.longMode() ? 3 : type == Descriptors.CALL_GATE_32 ? 2 : 1;
        int codeSelector = Descriptors.gateSelector(d);
        if (!Descriptors.conforming(code) && Descriptors.dpl(code) < c.cpl) {
            callInner(c, codeSelector, code, offset, size, (int) (d >>> 32) & 31);
            return;
        }
        Descriptors.setAccessed(c, codeSelector, code);
        if (!c.faulted() && c.longMode() && !c.code64()) {
            pushLong(c);
        } else if (!c.faulted()) {
            pushReturn(c, size);
        }
        if (!c.faulted()) enter(c, codeSelector, code, c.cpl, offset);
    }

    /// From compatibility mode through a 64-bit gate: 8-byte pushes.
    private static void pushLong(Cpu c) {
        long sp = c.r[RSP] - 16;
        if (!Mmu.writable(c, sp, 16)) return;
        Mmu.store64(c, sp + 8, c.selector[CS]);
        Mmu.store64(c, sp, c.r[RIP]);
        c.r[RSP] = sp;
    }

    /// A call to more privilege: the stack of the task state, the old one's pointer and parameters on it.
    private static void callInner(Cpu c, int selector, long code, long offset, int size, int parameters) {
        int cpl = c.cpl;
        int newCpl = Descriptors.dpl(code);
        int width = 1 << size;
        boolean longMode = c.longMode();
        long sp;
        int newSs = newCpl;
        long stack = 0;
        long base = 0;
        long mask = -1;
        if (longMode) {
            parameters = 0;
            sp = TaskState.longStackPointer(c, TaskState.RSP0 + 8 * newCpl, 0);
            if (c.faulted()) return;
        } else {
            sp = TaskState.innerStackPointer(c, newCpl, 0);
            if (c.faulted()) return;
            newSs = TaskState.innerStackSelector(c, newCpl);
            stack = Segments.stackDescriptor(c, newSs, newCpl, Exceptions.TS, 0);
            if (c.faulted()) return;
            base = Descriptors.base(stack);
            mask = Descriptors.big(stack) ? 0xffff_ffffL : 0xffff;
        }
        int bytes = (4 + parameters) * width;
        long top = sp - bytes & mask;
        if (longMode ? !Interrupts.canonical(top) : top + bytes - 1 > Descriptors.limit(stack) && (Descriptors.type(stack) & 4) == 0) {
            c.raise(Exceptions.SS, newSs & 0xfffc);
            return;
        }
        long[] copied = new long[parameters];
        for (int n = 0; n < parameters; n++) {
            long from = SegmentCheck.linear(c, SS, c.r[RSP] + (long) n * width & Stack.mask(c), width, false);
            if (c.faulted()) return;
            copied[n] = Mmu.load(c, from, width);
            if (c.faulted()) return;
        }
        long at = base + top;
        c.cpl = newCpl;
        c.mmu.modeChanged(c);
        boolean writable = Mmu.writable(c, at, bytes);
        if (writable) Descriptors.setAccessed(c, selector, code);
        if (c.faulted()) {
            c.cpl = cpl;
            c.mmu.modeChanged(c);
            return;
        }
        Mmu.store(c, at, width, c.r[RIP]);
        Mmu.store(c, at + width, width, c.selector[CS]);
        for (int n = 0; n < parameters; n++) Mmu.store(c, at + (2L + n) * width, width, copied[n]);
        Mmu.store(c, at + (2L + parameters) * width, width, c.r[RSP]);
        Mmu.store(c, at + (3L + parameters) * width, width, c.selector[SS]);
        if (longMode) {
            Segments.setNullStack(c, newCpl);
        } else {
            Segments.set(c, SS, newSs, stack);
        }
        c.r[RSP] = longMode ? top : c.r[RSP] & ~mask & 0xffff_ffffL | top;
        Segments.setCode(c, selector, code, newCpl);
        c.r[RIP] = offset;
        c.modeChanged();
    }

    // RET and IRET

    /// Word `n` of the frame on the stack.
    private static long frame(Cpu c, int n, int extra, int size) {
        if (c.faulted()) return 0;
        int width = 1 << size;
        long offset = c.r[RSP] + (long) n * width + extra & Stack.mask(c);
        long gva = c.code64() ? offset : SegmentCheck.linear(c, SS, offset, width, false);
        return c.faulted() ? 0 : Mmu.load(c, gva, width);
    }

    public static void ret(Cpu c, Insn i) {
        int size = i.size();
        int width = 1 << size;
        int drop = (int) i.imm & 0xffff;
        long offset = frame(c, 0, 0, size);
        int selector = (int) frame(c, 1, 0, size) & 0xffff;
        if (c.faulted()) return;
        if (!c.protectedMode() || c.virtual8086()) {
            if (offset > c.limit[CS]) {
                c.generalProtection();
                return;
            }
            Stack.release(c, 2L * width + drop);
            toReal(c, selector, offset);
            return;
        }
        long code = returnCode(c, selector);
        checkOffset(c, code, offset);
        if (c.faulted()) return;
        if ((selector & 3) == c.cpl) {
            Descriptors.setAccessed(c, selector, code);
            if (c.faulted()) return;
            Stack.release(c, 2L * width + drop);
            enter(c, selector, code, c.cpl, offset);
            return;
        }
        long sp = frame(c, 2, drop, size);
        int ss = (int) frame(c, 3, drop, size) & 0xffff;
        if (c.faulted()) return;
        long stack = outerStack(c, ss, selector & 3, code);
        if (c.faulted()) return;
        enterOuter(c, selector, code, offset, ss, stack, sp, size);
        if (!c.faulted()) Stack.release(c, drop);
    }

    /// The code segment a return leads to: the same privilege or less.
    private static long returnCode(Cpu c, int selector) {
        long d = target(c, selector);
        if (c.faulted()) return 0;
        int error = selector & 0xfffc;
        int rpl = selector & 3;
        boolean allowed = Descriptors.code(d) && rpl >= c.cpl
                && (Descriptors.conforming(d) ? Descriptors.dpl(d) <= rpl : Descriptors.dpl(d) == rpl)
                && !(c.longMode() && Descriptors.long64(d) && Descriptors.big(d));
        if (!allowed) return c.raise(Exceptions.GP, error);
        return Descriptors.present(d) ? d : c.raise(Exceptions.NP, error);
    }

    /// The stack a return leads to; 0 for the null selector, which 64-bit code below privilege 3 may have.
    private static long outerStack(Cpu c, int selector, int cpl, long code) {
        boolean nullAllowed = c.longMode() && Descriptors.long64(code) && cpl < 3 && (selector & 3) == cpl;
        if (Descriptors.isNull(selector) && nullAllowed) return 0;
        return Segments.stackDescriptor(c, selector, cpl, Exceptions.GP, 0);
    }

    private static void enterOuter(Cpu c, int selector, long code, long offset, int ss, long stack, long sp, int size) {
        Descriptors.setAccessed(c, selector, code);
        if (!c.faulted() && stack != 0) Descriptors.setAccessed(c, ss, stack);
        if (c.faulted()) return;
        boolean outer = (selector & 3) != c.cpl;
        if (stack != 0) {
            Segments.set(c, SS, ss, stack);
        } else {
            Segments.setNullStack(c, ss);
        }
        boolean whole = stack == 0 || Descriptors.big(stack) || c.longMode() && Descriptors.long64(code);
        c.r[RSP] = whole && size > 1 ? sp : c.r[RSP] & ~0xffffL | sp & 0xffff;
        Segments.setCode(c, selector, code, selector & 3);
        c.r[RIP] = offset;
        if (outer) Segments.dropPrivileged(c);
        c.modeChanged();
    }

    public static void iret(Cpu c, Insn i) {
        if (!c.protectedMode()) {
            iretReal(c, i.size());
        } else if (c.virtual8086()) {
            if (c.iopl() < 3) {
                c.generalProtection();
            } else {
                iretReal(c, i.size());
            }
        } else if ((c.rflags & Flags.NT) != 0) {
            if (c.longMode()) {
                c.generalProtection();
            } else {
                TaskSwitch.back(c);
            }
        } else {
            iretProtected(c, i.size());
        }
        if (c.faulted()) return;
        // RF matters only where breakpoints are looked at (Debug); elsewhere nothing would clear it.
        if ((c.mode & Mode.STEP) == 0) c.rflags &= ~Flags.RF;
        if (c.nmiBlocked) {
            c.nmiBlocked = false;
            c.apic.renotify();
        }
    }

    private static void iretReal(Cpu c, int size) {
        long offset = frame(c, 0, 0, size);
        int selector = (int) frame(c, 1, 0, size) & 0xffff;
        long flags = frame(c, 2, 0, size);
        if (c.faulted()) return;
        if (offset > c.limit[CS]) {
            c.generalProtection();
            return;
        }
        Stack.release(c, 3L << size);
        setRealCode(c, selector);
        c.r[RIP] = offset;
        long mask = IRET_ALWAYS | Flags.IF | (c.virtual8086() ? 0 : Flags.IOPL);
        FlagControl.replace(c, flags, size == 1 ? mask & 0xffff : mask);
        c.modeChanged();
    }

    private static void iretProtected(Cpu c, int size) {
        long offset = frame(c, 0, 0, size);
        int selector = (int) frame(c, 1, 0, size) & 0xffff;
        long flags = frame(c, 2, 0, size);
        if (c.faulted()) return;
        if ((flags & Flags.VM) != 0 && c.cpl == 0 && !c.longMode() && size == 2) {
            iretTo8086(c, selector, offset, flags);
            return;
        }
        long code = returnCode(c, selector);
        checkOffset(c, code, offset);
        if (c.faulted()) return;
        long mask = IRET_ALWAYS | (c.cpl <= c.iopl() ? Flags.IF : 0) | (c.cpl == 0 ? Flags.IOPL | Flags.VIF | Flags.VIP : 0);
        if (size == 1) mask &= 0xffff;
        if ((selector & 3) == c.cpl && !c.code64()) {
            Descriptors.setAccessed(c, selector, code);
            if (c.faulted()) return;
            Stack.release(c, 3L << size);
            FlagControl.replace(c, flags, mask);
            enter(c, selector, code, c.cpl, offset);
            return;
        }
        long sp = frame(c, 3, 0, size);
        int ss = (int) frame(c, 4, 0, size) & 0xffff;
        if (c.faulted()) return;
        long stack = outerStack(c, ss, selector & 3, code);
        if (c.faulted()) return;
        enterOuter(c, selector, code, offset, ss, stack, sp, size);
        if (c.faulted()) return;
        FlagControl.replace(c, flags, mask);
        c.modeChanged();
    }

    /// SDM Vol. 3A, 21.2.2.
    private static void iretTo8086(Cpu c, int cs, long offset, long flags) {
        long sp = frame(c, 3, 0, 2);
        int ss = (int) frame(c, 4, 0, 2) & 0xffff;
        int es = (int) frame(c, 5, 0, 2) & 0xffff;
        int ds = (int) frame(c, 6, 0, 2) & 0xffff;
        int fs = (int) frame(c, 7, 0, 2) & 0xffff;
        int gs = (int) frame(c, 8, 0, 2) & 0xffff;
        if (c.faulted()) return;
        if (offset > 0xffff) {
            c.generalProtection();
            return;
        }
        FlagControl.replace(c, flags, IRET_ALWAYS | Flags.IF | Flags.IOPL | Flags.VIF | Flags.VIP | Flags.VM);
        Segments.set8086(c, CS, cs);
        Segments.set8086(c, SS, ss);
        Segments.set8086(c, Cpu.ES, es);
        Segments.set8086(c, Cpu.DS, ds);
        Segments.set8086(c, Cpu.FS, fs);
        Segments.set8086(c, Cpu.GS, gs);
        c.r[RIP] = offset;
        c.r[RSP] = sp;
        c.cpl = 3;
        c.modeChanged();
    }
}
