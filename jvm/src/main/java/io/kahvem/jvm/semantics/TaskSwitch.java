package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RIP;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.mmu.Mmu;

/// Hardware task switches (SDM Vol. 3A, 7.3), with 16- and 32-bit TSSs; long mode has none.
///
/// A fault found before the switch is noted as any instruction's. One found after it belongs to the new task (Table 7-1) and is delivered
/// from here, so that the caller never sees it.
final class TaskSwitch {
    enum Reason {
        JMP, CALL, INTERRUPT, IRET
    }

    /// Offsets of a TSS's fields: the 32-bit form's, then the 16-bit form's.
    private record Layout(
            int width, int minimum, int ip, int flags, int registers, int segments, int segmentCount, int segmentStride, int ldt) {
        static final Layout TSS_32 = new Layout(4, 0x67, 0x20, 0x24, 0x28, 0x48, 6, 4, 0x60);
        static final Layout TSS_16 = new Layout(2, 0x2b, 0x0e, 0x10, 0x12, 0x22, 4, 2, 0x2a);

        static Layout of(int type) {
            return (type & 8) != 0 ? TSS_32 : TSS_16;
        }
    }

    private static final int CR3 = 0x1c;
    private static final int TRAP = 0x64;
    private static final long BUSY = 1L << 41;

    private TaskSwitch() {}

    /// Through a task gate of the IDT; an error code goes onto the new task's stack.
    static void interrupt(Cpu c, int selector, int ext, int errorCode, boolean hasError, long flags) {
        if ((selector & 4) != 0) {
            c.raise(Exceptions.TS, selector & 0xfffc | ext);
            return;
        }
        if (!change(c, selector, Reason.INTERRUPT, ext, flags)) return;
        if (hasError && !c.faulted()) {
            int form = (c.trAttributes & 8) != 0 ? 2 : 1;
            Stack.push(c, form, errorCode);
        }
        finish(c);
    }

    static void to(Cpu c, int selector, Reason reason) {
        if (change(c, selector, reason, 0, Flags.rflags(c))) finish(c);
    }

    /// IRET with NT: to the task the current one's TSS links to.
    static void back(Cpu c) {
        int selector = (int) Mmu.systemLoad(c, c.trBase, 2);
        if (c.faulted()) return;
        if (change(c, selector, Reason.IRET, 0, Flags.rflags(c))) finish(c);
    }

    private static void finish(Cpu c) {
        c.modeChanged();
        if (c.stop == Cpu.LEAVE) c.stop = Cpu.NONE;
        if (c.faulted()) {
            Interrupts.deliverFault(c);
        } else if ((c.trAttributes & 8) != 0 && trapRequested(c)) {
            c.dr[6] |= Debug.DR6_BT;
            Interrupts.deliver(c, Exceptions.DB, Interrupts.Kind.EXCEPTION, 0, false);
        }
    }

    private static boolean trapRequested(Cpu c) {
        return (Mmu.systemLoad(c, c.trBase + TRAP, 2) & 1) != 0 && !c.faulted();
    }

    /// False where nothing was changed and a fault is noted. True once in the new task, in which a fault may be noted.
    private static boolean change(Cpu c, int selector, Reason reason, int ext, long oldFlags) {
        int invalid = reason == Reason.IRET || reason == Reason.INTERRUPT ? Exceptions.TS : Exceptions.GP;
        int error = selector & 0xfffc | ext;
        if (Descriptors.isNull(selector) || (selector & 4) != 0) return fail(c, invalid, error);
        long at = Descriptors.address(c, selector, 8);
        if (at == Descriptors.OUTSIDE) return fail(c, invalid, error);
        long d = Mmu.systemLoad(c, at, 8);
        if (c.faulted()) return false;
        int type = Descriptors.type(d);
        int wanted = Descriptors.TSS_16 | (reason == Reason.IRET ? Descriptors.TSS_BUSY : 0);
        if (!Descriptors.system(d) || (type & ~8) != wanted) return fail(c, invalid, error);
        if (!Descriptors.present(d)) return fail(c, Exceptions.NP, error);
        Layout to = Layout.of(type);
        if (Descriptors.limit(d) < to.minimum) return fail(c, Exceptions.TS, error);
        Layout from = Layout.of(c.trAttributes);
        long base = Descriptors.base(d);
        long oldDescriptor = Descriptors.address(c, c.trSelector, 8);
        if (oldDescriptor == Descriptors.OUTSIDE) return fail(c, invalid, error);
        boolean reachable = Mmu.systemWritable(c, c.trBase, from.minimum + 1) && Mmu.systemWritable(c, base, to.minimum + 1)
                && Mmu.systemWritable(c, oldDescriptor, 8) && Mmu.systemWritable(c, at, 8);
        if (!reachable) return false;

        c.cpl = 0;
        c.mmu.modeChanged(c);
        boolean nests = reason == Reason.CALL || reason == Reason.INTERRUPT;
        if (!nests) Mmu.store(c, oldDescriptor, 8, Mmu.load64(c, oldDescriptor) & ~BUSY);
        save(c, from, reason == Reason.IRET ? oldFlags & ~Flags.NT : oldFlags);
        if (nests) Mmu.store16(c, base, c.trSelector);
        if (reason != Reason.IRET) Mmu.store64(c, at, d | BUSY);
        c.trSelector = selector;
        c.trBase = base;
        c.trLimit = Descriptors.limit(d);
        c.trAttributes = Descriptors.attributes(d | BUSY);
        c.cr0 |= ControlBits.CR0_TS;
        restore(c, to, nests);
        return true;
    }

    private static boolean fail(Cpu c, int vector, int error) {
        c.raise(vector, error);
        return false;
    }

    private static void save(Cpu c, Layout tss, long flags) {
        Mmu.store(c, c.trBase + tss.ip, tss.width, c.r[RIP]);
        Mmu.store(c, c.trBase + tss.flags, tss.width, flags);
        for (int n = 0; n < 8; n++) Mmu.store(c, c.trBase + tss.registers + (long) n * tss.width, tss.width, c.r[n]);
        for (int n = 0; n < tss.segmentCount; n++) Mmu.store16(c, c.trBase + tss.segments + (long) n * tss.segmentStride, c.selector[n]);
    }

    private static void restore(Cpu c, Layout tss, boolean nested) {
        long base = c.trBase;
        long ip = Mmu.load(c, base + tss.ip, tss.width);
        long flags = Mmu.load(c, base + tss.flags, tss.width);
        for (int n = 0; n < 8; n++) c.r[n] = Mmu.load(c, base + tss.registers + (long) n * tss.width, tss.width);
        int[] selectors = new int[6];
        for (int n = 0; n < tss.segmentCount; n++) selectors[n] = (int) Mmu.load16(c, base + tss.segments + (long) n * tss.segmentStride);
        int ldt = (int) Mmu.load16(c, base + tss.ldt);
        boolean paging = (c.cr0 & ControlBits.CR0_PG) != 0;
        long cr3 = tss.width == 4 && paging ? Mmu.load32(c, base + CR3) : c.cr3;

        Flags.setRflags(c, flags & 0x3f_7fd5 | (nested ? Flags.NT : 0));
        c.r[RIP] = ip;
        c.dr[7] &= ~0x155L; // local breakpoints and LE end with the task
        for (int n = Cpu.ES; n <= Cpu.GS; n++) Segments.setNull(c, n, selectors[n]);
        if (tss.width == 4 && paging) {
            c.cr3 = cr3;
            c.mmu.flushNonGlobal();
        }
        TableRegisters.setLdt(c, ldt, Exceptions.TS);
        if (c.faulted()) return;
        if (c.virtual8086()) {
            for (int n = Cpu.ES; n <= Cpu.GS; n++) Segments.set8086(c, n, selectors[n]);
            c.cpl = 3;
            return;
        }
        int cs = selectors[Cpu.CS];
        int cpl = cs & 3;
        c.cpl = cpl;
        Segments.loadStack(c, selectors[Cpu.SS], cpl, Exceptions.TS, 0);
        if (c.faulted()) return;
        if (Descriptors.isNull(cs)) {
            c.raise(Exceptions.TS, 0);
            return;
        }
        long code = Descriptors.load(c, cs, Exceptions.TS, 0);
        if (c.faulted()) return;
        int dpl = Descriptors.dpl(code);
        boolean allowed = Descriptors.code(code) && (Descriptors.conforming(code) ? dpl <= cpl : dpl == cpl);
        if (!allowed) {
            c.raise(Exceptions.TS, cs & 0xfffc);
        } else if (!Descriptors.present(code)) {
            c.raise(Exceptions.NP, cs & 0xfffc);
        } else {
            Descriptors.setAccessed(c, cs, code);
            if (c.faulted()) return;
            Segments.setCode(c, cs, code, cpl);
            for (int n : new int[] {Cpu.ES, Cpu.DS, Cpu.FS, Cpu.GS}) {
                Segments.loadData(c, n, selectors[n], Exceptions.TS, 0);
                if (c.faulted()) return;
            }
            if (Long.compareUnsigned(ip, c.limit[Cpu.CS]) > 0) c.generalProtection();
        }
    }
}
