package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RAX;
import static io.kahvem.jvm.cpu.Cpu.RCX;
import static io.kahvem.jvm.cpu.Cpu.RDI;
import static io.kahvem.jvm.cpu.Cpu.RDX;
import static io.kahvem.jvm.cpu.Cpu.RSI;

import io.kahvem.hypervisor.VmIo;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.SegmentCheck;
import io.kahvem.jvm.mmu.Mmu;
import java.util.Objects;

/// IN, OUT, INS, OUTS (SDM Vol. 1, chapter 19). The 64-bit operand size is 32 here.
public final class Ports {
    /// After so many iterations a repeated instruction lets interrupts be polled.
    private static final int ITERATIONS = 1024;

    private Ports() {}

    public static void inByteImmediate(Cpu c, Insn i) {
        in(c, (int) i.imm & 0xff, 0);
    }

    public static void inImmediate(Cpu c, Insn i) {
        in(c, (int) i.imm & 0xff, wordSize(i));
    }

    public static void inByte(Cpu c, Insn i) {
        in(c, port(c), 0);
    }

    public static void in(Cpu c, Insn i) {
        in(c, port(c), wordSize(i));
    }

    public static void outByteImmediate(Cpu c, Insn i) {
        out(c, (int) i.imm & 0xff, 0);
    }

    public static void outImmediate(Cpu c, Insn i) {
        out(c, (int) i.imm & 0xff, wordSize(i));
    }

    public static void outByte(Cpu c, Insn i) {
        out(c, port(c), 0);
    }

    public static void out(Cpu c, Insn i) {
        out(c, port(c), wordSize(i));
    }

    private static int port(Cpu c) {
        return (int) c.r[RDX] & 0xffff;
    }

    private static int wordSize(Insn i) {
        return Math.min(i.size(), 2);
    }

    private static void in(Cpu c, int port, int size) {
        if (allowed(c, port, 1 << size)) Registers.put(c.r, RAX, size, io(c).portRead(port, 1 << size));
    }

    private static void out(Cpu c, int port, int size) {
        if (allowed(c, port, 1 << size)) io(c).portWrite(port, 1 << size, Form.zx(size, c.r[RAX]));
    }

    /// IOPL, then the bitmap; notes the fault.
    private static boolean allowed(Cpu c, int port, int bytes) {
        if (!c.protectedMode() || c.cpl <= c.iopl() && !c.virtual8086()) return true;
        if (TaskState.portAllowed(c, port, bytes)) return true;
        if (!c.faulted()) c.generalProtection();
        return false;
    }

    private static VmIo io(Cpu c) {
        return Objects.requireNonNull(c.io, "guest code runs inside run()");
    }

    // Strings

    public static void insByte(Cpu c, Insn i) {
        repeat(c, i, 0, true);
    }

    public static void ins(Cpu c, Insn i) {
        repeat(c, i, wordSize(i), true);
    }

    public static void outsByte(Cpu c, Insn i) {
        repeat(c, i, 0, false);
    }

    public static void outs(Cpu c, Insn i) {
        repeat(c, i, wordSize(i), false);
    }

    private static void repeat(Cpu c, Insn i, int size, boolean input) {
        int port = port(c);
        if (!allowed(c, port, 1 << size)) return;
        if (i.rep == 0) {
            one(c, i, port, size, input);
            return;
        }
        long count = c.r[RCX] & i.addressMask();
        for (int budget = ITERATIONS; count != 0 && budget > 0; budget--) {
            if (!one(c, i, port, size, input)) return;
            Registers.put(c.r, RCX, i.addressSize, --count);
            c.retired++;
            if (c.stop != Cpu.NONE) break;
        }
        if (count != 0) c.stop = Cpu.REPEAT;
    }

    private static boolean one(Cpu c, Insn i, int port, int size, boolean input) {
        int bytes = 1 << size;
        long step = (c.rflags & Flags.DF) != 0 ? -bytes : bytes;
        if (input) {
            long offset = c.r[RDI] & i.addressMask();
            long to = c.code64() ? offset : SegmentCheck.linear(c, Cpu.ES, offset, bytes, true);
            // Reading a port may change a device: first be sure that the value has a place.
            if (c.faulted() || !Mmu.writable(c, to, bytes)) return false;
            Mmu.store(c, to, bytes, io(c).portRead(port, bytes));
            Registers.put(c.r, RDI, i.addressSize, c.r[RDI] + step);
        } else {
            long from = i.address(c, c.r[RSI] & i.addressMask(), bytes, false);
            if (c.faulted()) return false;
            long value = Mmu.load(c, from, bytes);
            if (c.faulted()) return false;
            io(c).portWrite(port, bytes, value);
            Registers.put(c.r, RSI, i.addressSize, c.r[RSI] + step);
        }
        return true;
    }
}
