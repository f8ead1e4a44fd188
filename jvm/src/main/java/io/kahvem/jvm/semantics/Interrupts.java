package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.CS;
import static io.kahvem.jvm.cpu.Cpu.RIP;
import static io.kahvem.jvm.cpu.Cpu.RSP;
import static io.kahvem.jvm.cpu.Cpu.SS;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Delivery of interrupts and exceptions (SDM Vol. 3A, chapter 6): real mode, protected mode with 16- and 32-bit gates, long mode with
/// IST; double and triple faults; and the instructions that raise them.
public final class Interrupts {
    /// Where a vector comes from: decides privilege checks and the EXT bit of error codes.
    public enum Kind {
        EXCEPTION,
        /// An interrupt from outside, NMI among them.
        EXTERNAL,
        /// INT n.
        SOFTWARE,
        /// INT3 and INTO: a gate's DPL counts as for INT n.
        SOFTWARE_EXCEPTION,
        /// INT1 (ICEBP): a gate's DPL does not count.
        ICEBP;

        boolean checksGate() {
            return this == SOFTWARE || this == SOFTWARE_EXCEPTION;
        }

        int ext() {
            return checksGate() ? 0 : 1;
        }
    }

    private static final int IDT_BIT = 2;

    /// Exceptions that are faults in the sense of SDM Vol. 3A, 6.5: the flags they push have RF set, so that an instruction breakpoint does
    /// not hit twice.
    private static final int FAULTS = 1 << Exceptions.DE | 1 << Exceptions.BR | 1 << Exceptions.UD | 1 << Exceptions.NM | 1 << Exceptions.TS
            | 1 << Exceptions.NP | 1 << Exceptions.SS | 1 << Exceptions.GP | 1 << Exceptions.PF | 1 << Exceptions.MF | 1 << Exceptions.AC
            | 1 << Exceptions.XM;

    private static final int CONTRIBUTORY =
            1 << Exceptions.DE | 1 << Exceptions.TS | 1 << Exceptions.NP | 1 << Exceptions.SS | 1 << Exceptions.GP;

    private Interrupts() {}

    /// Delivers the exception the last instruction noted ([Cpu#faultVector]); RIP stands at that instruction.
    public static void deliverFault(Cpu c) {
        int vector = c.faultVector;
        deliver(c, vector, Kind.EXCEPTION, c.faultError, Exceptions.hasErrorCode(vector));
    }

    /// Delivers an interrupt or exception; faults on the way become the next exception, a double fault, or shutdown ([Cpu#shutdown]).
    public static void deliver(Cpu c, int vector, Kind kind, int errorCode, boolean hasError) {
        c.halted = false;
        c.interruptShadow = false;
        c.stepping = false;
        for (; ; ) {
            c.stop = Cpu.NONE;
            if (kind == Kind.EXCEPTION && vector == Exceptions.DB) c.dr[7] &= ~Debug.DR7_GD;
            enter(c, vector, kind, errorCode, hasError);
            if (!c.faulted()) {
                if (vector == Exceptions.NMI && kind == Kind.EXTERNAL) c.nmiBlocked = true;
                return;
            }
            c.stop = Cpu.NONE;
            if (kind == Kind.EXCEPTION && vector == Exceptions.DF) {
                c.shutdown = "triple fault: exception %d while a double fault was delivered, at %#x".formatted(c.faultVector, c.r[RIP]);
                return;
            }
            if (kind == Kind.EXCEPTION && isDouble(vector, c.faultVector)) {
                vector = Exceptions.DF;
                errorCode = 0;
            } else {
                vector = c.faultVector;
                errorCode = c.faultError;
            }
            hasError = Exceptions.hasErrorCode(vector);
            kind = Kind.EXCEPTION;
        }
    }

    /// SDM Vol. 3A, Table 6-5.
    private static boolean isDouble(int first, int second) {
        boolean secondContributory = (CONTRIBUTORY >> second & 1) != 0;
        if (first == Exceptions.PF) return secondContributory || second == Exceptions.PF;
        return (CONTRIBUTORY >> first & 1) != 0 && secondContributory;
    }

    /// One attempt: either the CPU is in the handler, or a fault is noted and nothing has changed.
    static void enter(Cpu c, int vector, Kind kind, int errorCode, boolean hasError) {
        if (!c.protectedMode()) {
            enterReal(c, vector);
            return;
        }
        int cpl = c.cpl;
        // Tables and inner stacks are reached as supervisor; on a fault the privilege goes back.
        c.cpl = 0;
        c.mmu.modeChanged(c);
        boolean fault = kind == Kind.EXCEPTION && (FAULTS >>> vector & 1) != 0 && vector < 32;
        long flags = Flags.rflags(c) | (fault ? Flags.RF : 0);
        if (c.longMode()) {
            enterLong(c, vector, kind, errorCode, hasError, flags, cpl);
        } else {
            enterProtected(c, vector, kind, errorCode, hasError, flags, cpl);
        }
        if (c.faulted()) c.cpl = cpl;
        c.modeChanged();
        // A store into a page of code asks for the end of a block; there is none here.
        if (c.stop == Cpu.LEAVE) c.stop = Cpu.NONE;
    }

    /// SDM Vol. 3A, 21.1.4.
    private static void enterReal(Cpu c, int vector) {
        long entry = vector * 4L;
        if (entry + 3 > c.idtrLimit) {
            c.raise(Exceptions.GP, vector * 8 + IDT_BIT);
            return;
        }
        long target = Mmu.load32(c, c.idtrBase + entry);
        long mask = Stack.mask(c);
        long sp = c.r[RSP];
        long top = sp - 6 & mask;
        if (c.faulted()) return;
        if (top + 5 > c.limit[SS]) {
            c.raise(Exceptions.SS);
            return;
        }
        long gva = c.segmentBase(SS) + top;
        if (!Mmu.systemWritable(c, gva, 6)) return;
        Mmu.store16(c, gva + 4, Flags.rflags(c));
        Mmu.store16(c, gva + 2, c.selector[CS]);
        Mmu.store16(c, gva, c.r[RIP]);
        if (c.stop == Cpu.LEAVE) c.stop = Cpu.NONE;
        c.r[RSP] = sp & ~mask | top;
        Segments.setReal(c, CS, (int) (target >>> 16));
        c.r[RIP] = target & 0xffff;
        c.rflags &= ~(Flags.IF | Flags.TF | Flags.AC | Flags.RF);
        c.modeChanged();
    }

    // Protected mode (SDM Vol. 3A, 6.12.1)

    private static void enterProtected(Cpu c, int vector, Kind kind, int errorCode, boolean hasError, long flags, int cpl) {
        int ext = kind.ext();
        int gateError = vector * 8 + IDT_BIT + ext;
        if (vector * 8 + 7 > c.idtrLimit) {
            c.raise(Exceptions.GP, gateError);
            return;
        }
        long gate = Mmu.load64(c, c.idtrBase + vector * 8L);
        if (c.faulted()) return;
        int type = Descriptors.type(gate);
        boolean known = type == Descriptors.TASK_GATE || (type & 7) == 6 || (type & 7) == 7;
        if (!known || !Descriptors.system(gate) || kind.checksGate() && Descriptors.dpl(gate) < cpl) {
            c.raise(Exceptions.GP, gateError);
            return;
        }
        if (!Descriptors.present(gate)) {
            c.raise(Exceptions.NP, gateError);
            return;
        }
        if (type == Descriptors.TASK_GATE) {
            c.cpl = cpl;
            TaskSwitch.interrupt(c, Descriptors.gateSelector(gate), ext, errorCode, hasError, flags);
            return;
        }
        boolean gate32 = (type & 8) != 0;
        int selector = Descriptors.gateSelector(gate);
        long code = handlerCode(c, selector, cpl, ext);
        if (c.faulted()) return;
        boolean inner = !Descriptors.conforming(code) && Descriptors.dpl(code) < cpl;
        int newCpl = inner ? Descriptors.dpl(code) : cpl;
        boolean from8086 = c.virtual8086();
        if (from8086 && newCpl != 0) {
            c.raise(Exceptions.GP, selector & 0xfffc | ext);
            return;
        }
        long offset = gate32 ? Descriptors.gateOffset(gate) : gate & 0xffff;

        int width = gate32 ? 4 : 2;
        int words = 3 + (hasError ? 1 : 0) + (inner ? 2 : 0) + (from8086 ? 4 : 0);
        int newSs = c.selector[SS];
        long stack = 0;
        long sp = c.r[RSP];
        long base = c.segmentBase(SS);
        boolean big = (c.attributes[SS] & Descriptors.BIG) != 0;
        long limit = c.limit[SS];
        boolean expandDown = (c.attributes[SS] & (Descriptors.CODE | Descriptors.CONFORMING)) == Descriptors.CONFORMING;
        if (inner) {
            sp = TaskState.innerStackPointer(c, newCpl, ext);
            if (c.faulted()) return;
            newSs = TaskState.innerStackSelector(c, newCpl);
            stack = Segments.stackDescriptor(c, newSs, newCpl, Exceptions.TS, ext);
            if (c.faulted()) return;
            base = Descriptors.base(stack);
            big = Descriptors.big(stack);
            limit = Descriptors.limit(stack);
            expandDown = (Descriptors.type(stack) & 4) != 0;
        }
        long mask = big ? 0xffff_ffffL : 0xffff;
        long top = sp - (long) words * width & mask;
        long last = top + (long) words * width - 1;
        if (expandDown ? top <= limit || last > mask : last > limit) {
            c.raise(Exceptions.SS, inner ? newSs & 0xfffc | ext : ext);
            return;
        }
        if (Long.compareUnsigned(offset, Descriptors.limit(code)) > 0) {
            c.raise(Exceptions.GP, ext);
            return;
        }
        c.cpl = newCpl;
        c.mmu.modeChanged(c);
        long at = base + top & 0xffff_ffffL;
        if (!Mmu.writable(c, at, words * width)) return;
        if (inner) Descriptors.setAccessed(c, newSs, stack);
        Descriptors.setAccessed(c, selector, code);
        if (c.faulted()) return;

        if (hasError) at = put(c, at, width, errorCode);
        at = put(c, at, width, c.r[RIP]);
        at = put(c, at, width, c.selector[CS]);
        at = put(c, at, width, flags);
        if (inner) {
            at = put(c, at, width, c.r[RSP]);
            at = put(c, at, width, c.selector[SS]);
        }
        if (from8086) {
            at = put(c, at, width, c.selector[Cpu.ES]);
            at = put(c, at, width, c.selector[Cpu.DS]);
            at = put(c, at, width, c.selector[Cpu.FS]);
            put(c, at, width, c.selector[Cpu.GS]);
            for (int segment : new int[] {Cpu.ES, Cpu.DS, Cpu.FS, Cpu.GS}) Segments.setNull(c, segment, 0);
        }
        if (inner) {
            Segments.set(c, SS, newSs, stack);
            c.r[RSP] = big ? top : c.r[RSP] & 0xffff_0000L | top;
        } else {
            c.r[RSP] = c.r[RSP] & ~mask | top;
        }
        Segments.setCode(c, selector, code, newCpl);
        c.r[RIP] = offset;
        leaveFlags(c, (type & 1) == 0);
    }

    private static long put(Cpu c, long at, int width, long value) {
        Mmu.store(c, at & 0xffff_ffffL, width, value);
        return at + width;
    }

    /// The descriptor of a handler's code segment, checked.
    private static long handlerCode(Cpu c, int selector, int cpl, int ext) {
        if (Descriptors.isNull(selector)) return c.raise(Exceptions.GP, ext);
        long code = Descriptors.load(c, selector, Exceptions.GP, ext);
        if (c.faulted()) return 0;
        int error = selector & 0xfffc | ext;
        if (!Descriptors.code(code) || Descriptors.dpl(code) > cpl) return c.raise(Exceptions.GP, error);
        if (!Descriptors.present(code)) return c.raise(Exceptions.NP, error);
        return code;
    }

    private static void leaveFlags(Cpu c, boolean interruptGate) {
        c.rflags &= ~(Flags.TF | Flags.NT | Flags.RF | Flags.VM | (interruptGate ? Flags.IF : 0));
    }

    // Long mode (SDM Vol. 3A, 6.14)

    private static void enterLong(Cpu c, int vector, Kind kind, int errorCode, boolean hasError, long flags, int cpl) {
        int ext = kind.ext();
        int gateError = vector * 8 + IDT_BIT + ext;
        if (vector * 16 + 15 > c.idtrLimit) {
            c.raise(Exceptions.GP, gateError);
            return;
        }
        long gate = Mmu.load64(c, c.idtrBase + vector * 16L);
        if (c.faulted()) return;
        int type = Descriptors.type(gate);
        boolean known = type == Descriptors.INTERRUPT_GATE_32 || type == Descriptors.TRAP_GATE_32;
        if (!known || !Descriptors.system(gate) || kind.checksGate() && Descriptors.dpl(gate) < cpl) {
            c.raise(Exceptions.GP, gateError);
            return;
        }
        if (!Descriptors.present(gate)) {
            c.raise(Exceptions.NP, gateError);
            return;
        }
        long offset = Descriptors.gateOffset(gate) | Mmu.load64(c, c.idtrBase + vector * 16L + 8) << 32;
        if (c.faulted()) return;
        int selector = Descriptors.gateSelector(gate);
        long code = handlerCode(c, selector, cpl, ext);
        if (c.faulted()) return;
        if (!Descriptors.long64(code) || Descriptors.big(code)) {
            c.raise(Exceptions.GP, selector & 0xfffc | ext);
            return;
        }
        boolean inner = !Descriptors.conforming(code) && Descriptors.dpl(code) < cpl;
        int newCpl = inner ? Descriptors.dpl(code) : cpl;
        int ist = (int) (gate >>> 32) & 7;
        long sp = c.r[RSP];
        if (ist != 0) {
            sp = TaskState.longStackPointer(c, TaskState.IST1 + 8 * (ist - 1), ext);
        } else if (inner) {
            sp = TaskState.longStackPointer(c, TaskState.RSP0 + 8 * newCpl, ext);
        }
        if (c.faulted()) return;
        if (!canonical(offset)) {
            c.raise(Exceptions.GP, ext);
            return;
        }
        int bytes = hasError ? 48 : 40;
        long at = (sp & -16) - bytes;
        if (!canonical(at) || !canonical(at + bytes - 1)) {
            c.raise(Exceptions.SS, ext);
            return;
        }
        if (newCpl != 0) {
            c.cpl = newCpl;
            c.mmu.modeChanged(c);
        }
        if (!Mmu.writable(c, at, bytes)) return;
        if ((Descriptors.type(code) & Descriptors.ACCESSED) == 0) {
            Descriptors.setAccessed(c, selector, code);
            if (c.faulted()) return;
        }

        long top = at;
        if (hasError) {
            Mmu.store64(c, at, errorCode & 0xffff_ffffL);
            at += 8;
        }
        Mmu.store64(c, at, c.r[RIP]);
        Mmu.store64(c, at + 8, c.selector[CS]);
        Mmu.store64(c, at + 16, flags);
        Mmu.store64(c, at + 24, c.r[RSP]);
        Mmu.store64(c, at + 32, c.selector[SS]);
        if (inner) Segments.setNullStack(c, newCpl);
        c.r[RSP] = top;
        Segments.setCode(c, selector, code, newCpl);
        c.r[RIP] = offset;
        leaveFlags(c, type == Descriptors.INTERRUPT_GATE_32);
    }

    static boolean canonical(long gva) {
        return gva << 16 >> 16 == gva;
    }

    // Instructions. They run with RIP at the next instruction, which is what their handlers return to.

    public static void intN(Cpu c, Insn i) {
        if (c.virtual8086() && c.iopl() < 3) {
            c.generalProtection();
        } else {
            software(c, (int) i.imm & 0xff, Kind.SOFTWARE);
        }
    }

    public static void int3(Cpu c, Insn i) {
        software(c, Exceptions.BP, Kind.SOFTWARE_EXCEPTION);
    }

    public static void into(Cpu c, Insn i) {
        if (Flags.of(c)) software(c, Exceptions.OF, Kind.SOFTWARE_EXCEPTION);
    }

    public static void int1(Cpu c, Insn i) {
        software(c, Exceptions.DB, Kind.ICEBP);
    }

    private static void software(Cpu c, int vector, Kind kind) {
        enter(c, vector, kind, 0, false);
        if (c.faulted()) return;
        c.stepping = false;
    }

    /// BOUND (SDM Vol. 2A): signed bounds in memory.
    public static void bound(Cpu c, Insn i) {
        int bytes = 1 << i.size();
        long gva = i.address(c, 2 * bytes, false);
        if (c.faulted()) return;
        long lower = Form.sx(i.size(), Mmu.load(c, gva, bytes));
        if (c.faulted()) return;
        long upper = Form.sx(i.size(), Mmu.load(c, gva + bytes, bytes));
        if (c.faulted()) return;
        long index = Form.sx(i.size(), c.r[i.reg]);
        if (index < lower || index > upper) c.raise(Exceptions.BR);
    }
}
