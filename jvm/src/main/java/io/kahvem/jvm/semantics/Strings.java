package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RAX;
import static io.kahvem.jvm.cpu.Cpu.RCX;
import static io.kahvem.jvm.cpu.Cpu.RDI;
import static io.kahvem.jvm.cpu.Cpu.RSI;

import io.kahvem.host.Words;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.SegmentCheck;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.memory.GuestMemory;

/// MOVS, STOS, LODS, SCAS, CMPS, alone and repeated (SDM Vol. 2B, "REP"). Repeated moves and fills of ascending addresses go by whole runs
/// inside a page. After [#ITERATIONS] iterations a repeated instruction lets interrupts be polled and is executed again with what is left
/// of the count.
public final class Strings {
    private static final int ITERATIONS = 4096;

    private Strings() {}

    public static void movs(Cpu c, Insn i) {
        if (i.rep == 0) {
            moveOne(c, i, step(c, i));
            return;
        }
        int size = i.size();
        long step = step(c, i);
        long count = count(c, i);
        for (int budget = ITERATIONS; count != 0 && budget > 0; budget--) {
            long run = step > 0 ? moveRun(c, i, count, size) : 0;
            if (run == 0) {
                if (!moveOne(c, i, step)) break;
                run = 1;
            }
            count -= run;
            setCount(c, i, count, run);
            if (c.stop != Cpu.NONE) break;
        }
        again(c, count);
    }

    public static void stos(Cpu c, Insn i) {
        if (i.rep == 0) {
            storeOne(c, i, step(c, i));
            return;
        }
        int size = i.size();
        long step = step(c, i);
        long count = count(c, i);
        for (int budget = ITERATIONS; count != 0 && budget > 0; budget--) {
            long run = step > 0 ? storeRun(c, i, count, size) : 0;
            if (run == 0) {
                if (!storeOne(c, i, step)) break;
                run = 1;
            }
            count -= run;
            setCount(c, i, count, run);
            if (c.stop != Cpu.NONE) break;
        }
        again(c, count);
    }

    public static void lods(Cpu c, Insn i) {
        long step = step(c, i);
        if (i.rep == 0) {
            loadOne(c, i, step);
            return;
        }
        long count = count(c, i);
        for (int budget = ITERATIONS; count != 0 && budget > 0; budget--) {
            if (!loadOne(c, i, step)) break;
            setCount(c, i, --count, 1);
        }
        again(c, count);
    }

    public static void scas(Cpu c, Insn i) {
        compareRepeated(c, i, false);
    }

    public static void cmps(Cpu c, Insn i) {
        compareRepeated(c, i, true);
    }

    private static void compareRepeated(Cpu c, Insn i, boolean withSource) {
        long step = step(c, i);
        if (i.rep == 0) {
            compareOne(c, i, step, withSource);
            return;
        }
        boolean whileEqual = i.rep == 0xf3;
        long count = count(c, i);
        for (int budget = ITERATIONS; count != 0 && budget > 0; budget--) {
            if (!compareOne(c, i, step, withSource)) break;
            setCount(c, i, --count, 1);
            if (Flags.zf(c) != whileEqual) return;
        }
        again(c, count);
    }

    private static boolean moveOne(Cpu c, Insn i, long step) {
        int bytes = 1 << i.size();
        long from = source(c, i, bytes);
        if (c.faulted()) return false;
        long value = Mmu.load(c, from, bytes);
        if (c.faulted()) return false;
        long to = destination(c, i, bytes);
        if (c.faulted()) return false;
        Mmu.store(c, to, bytes, value);
        if (c.faulted()) return false;
        advance(c, i, RSI, step);
        advance(c, i, RDI, step);
        return true;
    }

    private static boolean storeOne(Cpu c, Insn i, long step) {
        int bytes = 1 << i.size();
        long to = destination(c, i, bytes);
        if (c.faulted()) return false;
        Mmu.store(c, to, bytes, c.r[RAX]);
        if (c.faulted()) return false;
        advance(c, i, RDI, step);
        return true;
    }

    private static boolean loadOne(Cpu c, Insn i, long step) {
        int bytes = 1 << i.size();
        long from = source(c, i, bytes);
        if (c.faulted()) return false;
        long value = Mmu.load(c, from, bytes);
        if (c.faulted()) return false;
        Registers.put(c.r, RAX, i.size(), value);
        advance(c, i, RSI, step);
        return true;
    }

    private static boolean compareOne(Cpu c, Insn i, long step, boolean withSource) {
        int bytes = 1 << i.size();
        long first = c.r[RAX];
        if (withSource) {
            long from = source(c, i, bytes);
            if (c.faulted()) return false;
            first = Mmu.load(c, from, bytes);
            if (c.faulted()) return false;
        }
        long to = destination(c, i, bytes, false);
        if (c.faulted()) return false;
        long second = Mmu.load(c, to, bytes);
        if (c.faulted()) return false;
        Arith.cmp(c, i.size(), first, second);
        if (withSource) advance(c, i, RSI, step);
        advance(c, i, RDI, step);
        return true;
    }

    /// Moves as many elements as lie in one page at both ends, if both are in the TLB and do not overlap; returns how many.
    private static long moveRun(Cpu c, Insn i, long count, int size) {
        if (i.checked || (i.mode & 3) != io.kahvem.jvm.cpu.Mode.CODE64) return 0;
        long from = (c.r[RSI] & i.addressMask()) + c.r[i.segmentBase];
        long to = c.r[RDI] & i.addressMask();
        long bytes = Math.min(pageRest(from), pageRest(to));
        if (count < bytes >>> size) bytes = count << size;
        bytes &= -(1L << size);
        if (bytes == 0) return 0;
        long hostFrom = Mmu.hostRead(c, from, bytes);
        long hostTo = Mmu.hostWrite(c, to, bytes);
        if (hostFrom == 0 || hostTo == 0 || Math.abs(hostTo - hostFrom) < bytes) return 0;
        Words.copy(hostFrom, hostTo, bytes);
        advance(c, i, RSI, bytes);
        advance(c, i, RDI, bytes);
        return bytes >>> size;
    }

    private static long storeRun(Cpu c, Insn i, long count, int size) {
        if (i.checked || (i.mode & 3) != io.kahvem.jvm.cpu.Mode.CODE64) return 0;
        long to = c.r[RDI] & i.addressMask();
        long bytes = pageRest(to);
        if (count < bytes >>> size) bytes = count << size;
        bytes &= -(1L << size);
        long host = bytes == 0 ? 0 : Mmu.hostWrite(c, to, bytes);
        if (host == 0) return 0;
        long value = c.r[RAX];
        long pattern = switch (size) {
            case 0 -> (value & 0xff) * 0x0101_0101_0101_0101L;
            case 1 -> (value & 0xffff) * 0x0001_0001_0001_0001L;
            case 2 -> (value & 0xffff_ffffL) * 0x0000_0001_0000_0001L;
            default -> value;
        };
        fill(host, bytes, pattern, size);
        advance(c, i, RDI, bytes);
        return bytes >>> size;
    }

    private static void fill(long host, long bytes, long pattern, int size) {
        if (pattern == (pattern & 0xff) * 0x0101_0101_0101_0101L) {
            Words.fill(host, bytes, (byte) pattern);
            return;
        }
        long done = 0;
        for (; bytes - done >= 8; done += 8) Words.put64(host + done, pattern);
        for (; done < bytes; done += 1L << size) {
            if (size == 2) {
                Words.put32(host + done, (int) pattern);
            } else {
                Words.put16(host + done, (short) pattern);
            }
        }
    }

    private static long pageRest(long gva) {
        return GuestMemory.PAGE_SIZE - (gva & GuestMemory.PAGE_SIZE - 1);
    }

    private static long source(Cpu c, Insn i, int bytes) {
        return i.address(c, c.r[RSI] & i.addressMask(), bytes, false);
    }

    private static long destination(Cpu c, Insn i, int bytes) {
        return destination(c, i, bytes, true);
    }

    /// ES:rDI, whose segment no prefix overrides.
    private static long destination(Cpu c, Insn i, int bytes, boolean write) {
        long offset = c.r[RDI] & i.addressMask();
        return c.code64() ? offset : SegmentCheck.linear(c, Cpu.ES, offset, bytes, write);
    }

    private static long step(Cpu c, Insn i) {
        return (c.rflags & Flags.DF) != 0 ? -(1L << i.size()) : 1L << i.size();
    }

    private static void advance(Cpu c, Insn i, int register, long bytes) {
        Registers.put(c.r, register, i.addressSize, c.r[register] + bytes);
    }

    private static long count(Cpu c, Insn i) {
        return c.r[RCX] & i.addressMask();
    }

    private static void setCount(Cpu c, Insn i, long count, long iterations) {
        Registers.put(c.r, RCX, i.addressSize, count);
        c.retired += iterations;
    }

    /// With iterations left and no fault, the instruction is to be executed again.
    private static void again(Cpu c, long count) {
        if (count != 0 && !c.faulted()) c.stop = Cpu.REPEAT;
    }
}
