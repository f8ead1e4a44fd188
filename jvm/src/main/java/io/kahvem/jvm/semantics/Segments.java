package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.ES_BASE;
import static io.kahvem.jvm.semantics.Descriptors.UNUSABLE;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Segment registers: loading them with all checks (SDM Vol. 3A, 3.4 and 5), MOV, PUSH, POP, LDS and their kin.
public final class Segments {
    /// A data segment of virtual-8086 mode, and a code or data segment of real mode.
    private static final int V8086_ATTRIBUTES = 0xf3;

    private static final int REAL_DATA = 0x93;

    private Segments() {}

    // Instructions

    /// MOV Sreg, r/m16.
    public static void movToSegment(Cpu c, Insn i) {
        int segment = i.reg & 7;
        if (segment == Cpu.CS || segment > Cpu.GS) {
            c.undefined();
            return;
        }
        long selector = c.r[i.rm];
        if (i.memory) {
            long gva = i.address(c, 2, false);
            if (c.faulted()) return;
            selector = Mmu.load16(c, gva);
            if (c.faulted()) return;
        }
        load(c, segment, (int) selector & 0xffff);
        if (segment == Cpu.SS && !c.faulted()) c.interruptShadow = true;
    }

    /// MOV r/m, Sreg: a register takes the operand size, memory always 16 bits.
    public static void movFromSegment(Cpu c, Insn i) {
        int segment = i.reg & 7;
        if (segment > Cpu.GS) {
            c.undefined();
        } else if (i.memory) {
            long gva = i.address(c, 2, true);
            if (!c.faulted()) Mmu.store16(c, gva, c.selector[segment]);
        } else {
            Registers.put(c.r, i.rm, i.size(), c.selector[segment]);
        }
    }

    public static void pushEs(Cpu c, Insn i) {
        push(c, i, Cpu.ES);
    }

    public static void pushCs(Cpu c, Insn i) {
        push(c, i, Cpu.CS);
    }

    public static void pushSs(Cpu c, Insn i) {
        push(c, i, Cpu.SS);
    }

    public static void pushDs(Cpu c, Insn i) {
        push(c, i, Cpu.DS);
    }

    public static void pushFs(Cpu c, Insn i) {
        push(c, i, Cpu.FS);
    }

    public static void pushGs(Cpu c, Insn i) {
        push(c, i, Cpu.GS);
    }

    public static void popEs(Cpu c, Insn i) {
        pop(c, i, Cpu.ES);
    }

    public static void popSs(Cpu c, Insn i) {
        pop(c, i, Cpu.SS);
        if (!c.faulted()) c.interruptShadow = true;
    }

    public static void popDs(Cpu c, Insn i) {
        pop(c, i, Cpu.DS);
    }

    public static void popFs(Cpu c, Insn i) {
        pop(c, i, Cpu.FS);
    }

    public static void popGs(Cpu c, Insn i) {
        pop(c, i, Cpu.GS);
    }

    private static void push(Cpu c, Insn i, int segment) {
        Stack.push(c, i.form, c.selector[segment]);
    }

    private static void pop(Cpu c, Insn i, int segment) {
        long sp = c.r[Cpu.RSP];
        long selector = Stack.pop(c, i.form);
        if (c.faulted()) return;
        load(c, segment, (int) selector & 0xffff);
        if (c.faulted()) c.r[Cpu.RSP] = sp;
    }

    public static void lds(Cpu c, Insn i) {
        loadFar(c, i, Cpu.DS);
    }

    public static void les(Cpu c, Insn i) {
        loadFar(c, i, Cpu.ES);
    }

    public static void lss(Cpu c, Insn i) {
        loadFar(c, i, Cpu.SS);
    }

    public static void lfs(Cpu c, Insn i) {
        loadFar(c, i, Cpu.FS);
    }

    public static void lgs(Cpu c, Insn i) {
        loadFar(c, i, Cpu.GS);
    }

    private static void loadFar(Cpu c, Insn i, int segment) {
        int bytes = 1 << i.size();
        long gva = i.address(c, bytes + 2, false);
        if (c.faulted()) return;
        long offset = Mmu.load(c, gva, bytes);
        if (c.faulted()) return;
        long selector = Mmu.load16(c, gva + bytes);
        if (c.faulted()) return;
        load(c, segment, (int) selector);
        if (!c.faulted()) Registers.put(c.r, i.reg, i.size(), offset);
    }

    // Loading

    /// Loads ES, SS, DS, FS or GS as an instruction does, or notes the fault with nothing changed.
    public static void load(Cpu c, int segment, int selector) {
        if (!c.protectedMode()) {
            setReal(c, segment, selector);
        } else if (c.virtual8086()) {
            set8086(c, segment, selector);
        } else if (segment == Cpu.SS) {
            loadStack(c, selector, c.cpl, Exceptions.GP, 0);
        } else {
            loadData(c, segment, selector, Exceptions.GP, 0);
        }
        if (!c.faulted()) c.modeChanged();
    }

    static void setReal(Cpu c, int segment, int selector) {
        c.selector[segment] = selector;
        c.r[ES_BASE + segment] = (long) selector << 4;
        // Limit and size stay as protected mode left them ("unreal mode"); a segment it had left unusable becomes a plain one.
        if ((c.attributes[segment] & UNUSABLE) != 0) c.limit[segment] = 0xffff;
        c.attributes[segment] = c.attributes[segment] & 0xf000 | (segment == Cpu.CS ? 0x9b : REAL_DATA);
    }

    static void set8086(Cpu c, int segment, int selector) {
        c.selector[segment] = selector;
        c.r[ES_BASE + segment] = (long) selector << 4;
        c.limit[segment] = 0xffff;
        c.attributes[segment] = segment == Cpu.CS ? 0xfb : V8086_ATTRIBUTES;
    }

    /// DS, ES, FS or GS in protected mode; `invalid` is the exception for a bad selector (#TS in a task switch).
    static void loadData(Cpu c, int segment, int selector, int invalid, int ext) {
        if (Descriptors.isNull(selector)) {
            setNull(c, segment, selector);
            return;
        }
        long d = Descriptors.load(c, selector, invalid, ext);
        if (c.faulted()) return;
        int error = selector & 0xfffc | ext;
        boolean checksPrivilege = !(Descriptors.code(d) && Descriptors.conforming(d));
        if (!Descriptors.readable(d) || checksPrivilege && Math.max(selector & 3, c.cpl) > Descriptors.dpl(d)) {
            c.raise(invalid, error);
        } else if (!Descriptors.present(d)) {
            c.raise(Exceptions.NP, error);
        } else {
            Descriptors.setAccessed(c, selector, d);
            if (!c.faulted()) set(c, segment, selector, d);
        }
    }

    /// SS in protected mode for privilege `cpl`.
    static void loadStack(Cpu c, int selector, int cpl, int invalid, int ext) {
        if (Descriptors.isNull(selector) && c.code64() && cpl < 3 && (selector & 3) == cpl) {
            setNullStack(c, selector);
            return;
        }
        long d = stackDescriptor(c, selector, cpl, invalid, ext);
        if (c.faulted()) return;
        Descriptors.setAccessed(c, selector, d);
        if (!c.faulted()) set(c, Cpu.SS, selector, d);
    }

    /// Checks a stack selector for privilege `cpl` and gives its descriptor.
    static long stackDescriptor(Cpu c, int selector, int cpl, int invalid, int ext) {
        if (Descriptors.isNull(selector)) return c.raise(invalid, ext);
        long d = Descriptors.load(c, selector, invalid, ext);
        if (c.faulted()) return 0;
        int error = selector & 0xfffc | ext;
        if ((selector & 3) != cpl || !Descriptors.writableData(d) || Descriptors.dpl(d) != cpl) return c.raise(invalid, error);
        if (!Descriptors.present(d)) return c.raise(Exceptions.SS, error);
        return d;
    }

    static void set(Cpu c, int segment, int selector, long descriptor) {
        c.selector[segment] = selector;
        c.r[ES_BASE + segment] = Descriptors.base(descriptor);
        c.limit[segment] = Descriptors.limit(descriptor);
        c.attributes[segment] = Descriptors.attributes(descriptor) | Descriptors.ACCESSED;
    }

    static void setNull(Cpu c, int segment, int selector) {
        c.selector[segment] = selector;
        c.r[ES_BASE + segment] = 0;
        c.limit[segment] = 0;
        c.attributes[segment] = UNUSABLE;
    }

    static void setNullStack(Cpu c, int selector) {
        setNull(c, Cpu.SS, selector);
        c.attributes[Cpu.SS] = UNUSABLE | (selector & 3) << 5;
    }

    /// The code segment with RPL and CPL `cpl`. The caller tells the CPU of the changed mode.
    static void setCode(Cpu c, int selector, long descriptor, int cpl) {
        set(c, Cpu.CS, selector & 0xfffc | cpl, descriptor);
        c.cpl = cpl;
    }

    /// A flat segment that SYSCALL and the like make of a selector alone.
    static void setFlat(Cpu c, int segment, int selector, int attributes) {
        c.selector[segment] = selector;
        c.r[ES_BASE + segment] = 0;
        c.limit[segment] = 0xffff_ffffL;
        c.attributes[segment] = attributes;
    }

    /// After a return to an outer privilege level: data segments it may not use become null (SDM Vol. 2, "RET", "IRET").
    static void dropPrivileged(Cpu c) {
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            if (segment == Cpu.CS || segment == Cpu.SS) continue;
            int a = c.attributes[segment];
            boolean conformingCode = (a & (Descriptors.CODE | Descriptors.CONFORMING)) == (Descriptors.CODE | Descriptors.CONFORMING);
            if ((a & UNUSABLE) == 0 && !conformingCode && (a >> 5 & 3) < c.cpl) setNull(c, segment, 0);
        }
    }
}
