package io.kahvem.vmm.control;

import io.kahvem.host.HostFile;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.Segment;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import io.kahvem.qmp.QmpException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// A machine's physical memory as an ELF core (System V ABI), as `crash` and gdb read it: a segment for each run of memory, and for each
/// vCPU a note CORE with Linux' elf_prstatus and a note QEMU with the rest of its state. Made and written while the vCPUs stand still.
final class ElfDump {
    static final ElfDump NONE = new ElfDump();

    private static final int EHDR_BYTES = 64;
    private static final int PHDR_BYTES = 56;
    private static final int ET_CORE = 4;
    private static final int EM_386 = 3;
    private static final int EM_X86_64 = 62;
    private static final int PT_LOAD = 1;
    private static final int PT_NOTE = 4;
    private static final int NT_PRSTATUS = 1;

    /// Linux' elf_prstatus of x86-64 and i386: where its pid and its registers are.
    private static final int PRSTATUS64_BYTES = 336;
    private static final int PRSTATUS64_REGS = 112;
    private static final int PRSTATUS32_BYTES = 144;
    private static final int PRSTATUS32_REGS = 72;
    private static final int PRSTATUS64_PID = 32;
    private static final int PRSTATUS32_PID = 24;

    /// QEMUCPUState of QEMU's dump format, version 1.
    private static final int CPU_STATE_BYTES = 440;

    private static final int EFER = 0xc000_0080;
    private static final long EFER_LMA = 1L << 10;
    private static final int KERNEL_GS_BASE = 0xc000_0102;
    private static final long PART = 1 << 20;

    private static final int RAX = 0;
    private static final int RCX = 1;
    private static final int RDX = 2;
    private static final int RBX = 3;
    private static final int RSP = 4;
    private static final int RBP = 5;
    private static final int RSI = 6;
    private static final int RDI = 7;

    private record Run(long gpa, long sizeBytes, long hva) {}

    private final List<Run> runs;
    private final byte[] head;
    private final long totalBytes;
    private volatile long completedBytes;
    private volatile Optional<String> failure = Optional.empty();

    private ElfDump() {
        runs = List.of();
        head = new byte[0];
        totalBytes = 0;
    }

    /// Of the memory from `begin` on, at most `length` bytes. Throws [QmpException] where there is no memory.
    ElfDump(List<CpuState> states, GuestMemory memory, long begin, long length) {
        runs = runs(memory, begin, length);
        totalBytes = runs.stream().mapToLong(Run::sizeBytes).sum();
        head = head(states, runs);
    }

    /// Throws [QmpException] where there is no memory.
    static void requireMemory(GuestMemory memory, long begin, long length) {
        runs(memory, begin, length);
    }

    private static List<Run> runs(GuestMemory memory, long begin, long length) {
        long end = length > Long.MAX_VALUE - begin ? Long.MAX_VALUE : begin + length;
        List<Run> runs = memory.slots().stream()
                .sorted(Comparator.comparingLong(MemorySlot::gpa))
                .filter(slot -> slot.gpa() < end && slot.end() > begin)
                .map(slot -> {
                    long from = Math.max(slot.gpa(), begin);
                    return new Run(from, Math.min(slot.end(), end) - from, memory.hva(from, 1));
                })
                .toList();
        if (runs.isEmpty()) throw new QmpException("dump: no guest memory to dump");
        return runs;
    }

    long totalBytes() {
        return totalBytes;
    }

    long completedBytes() {
        return completedBytes;
    }

    /// Why it could not be written.
    Optional<String> failure() {
        return failure;
    }

    void write(HostFile file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment first = arena.allocate(head.length);
            first.copyFrom(MemorySegment.ofArray(head));
            PassedDescriptors.write(file, 0, first.address(), head.length);
            long at = head.length;
            for (Run run : runs) {
                for (long done = 0; done < run.sizeBytes; ) {
                    long part = Math.min(PART, run.sizeBytes - done);
                    PassedDescriptors.write(file, at, run.hva + done, part);
                    at += part;
                    done += part;
                    completedBytes += part;
                }
            }
        } catch (QmpException e) {
            failure = Optional.of("dump: failed to save memory: " + e.description());
        }
    }

    private static byte[] head(List<CpuState> states, List<Run> runs) {
        byte[] notes = notes(states);
        int notesAt = EHDR_BYTES + PHDR_BYTES * (runs.size() + 1);
        ByteBuffer out = ByteBuffer.allocate(notesAt + notes.length).order(ByteOrder.LITTLE_ENDIAN);
        out.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        int machine = isLongMode(states.getFirst()) ? EM_X86_64 : EM_386;
        out.putShort((short) ET_CORE).putShort((short) machine).putInt(1).putLong(0).putLong(EHDR_BYTES).putLong(0).putInt(0);
        out.putShort((short) EHDR_BYTES).putShort((short) PHDR_BYTES).putShort((short) (runs.size() + 1)).position(EHDR_BYTES);
        programHeader(out, PT_NOTE, notesAt, 0, notes.length);
        long at = out.capacity();
        for (Run run : runs) {
            programHeader(out, PT_LOAD, at, run.gpa, run.sizeBytes);
            at += run.sizeBytes;
        }
        return out.put(notes).array();
    }

    private static void programHeader(ByteBuffer out, int type, long offset, long gpa, long bytes) {
        out.putInt(type).putInt(0).putLong(offset).putLong(gpa).putLong(gpa).putLong(bytes).putLong(bytes).putLong(0);
    }

    private static byte[] notes(List<CpuState> states) {
        List<byte[]> all = new ArrayList<>();
        for (int cpu = 0; cpu < states.size(); cpu++) {
            CpuState state = states.get(cpu);
            all.add(note("CORE", NT_PRSTATUS, isLongMode(state) ? prstatus64(state, cpu + 1) : prstatus32(state, cpu + 1)));
        }
        for (CpuState state : states) all.add(note("QEMU", 0, cpuState(state)));
        ByteBuffer joined = ByteBuffer.allocate(all.stream().mapToInt(each -> each.length).sum());
        all.forEach(joined::put);
        return joined.array();
    }

    private static byte[] note(String name, int type, byte[] description) {
        byte[] owner = (name + "\0").getBytes(StandardCharsets.US_ASCII);
        ByteBuffer out = little(12 + (owner.length + 3 & -4) + (description.length + 3 & -4));
        out.putInt(owner.length).putInt(description.length).putInt(type).put(owner);
        out.position(12 + (owner.length + 3 & -4));
        return out.put(description).array();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] prstatus64(CpuState state, int pid) {
        ByteBuffer out = little(PRSTATUS64_BYTES).putInt(PRSTATUS64_PID, pid).position(PRSTATUS64_REGS);
        long[] gpr = state.gpr;
        for (int n = 15; n >= 12; n--) out.putLong(gpr[n]);
        out.putLong(gpr[RBP]).putLong(gpr[RBX]);
        for (int n = 11; n >= 8; n--) out.putLong(gpr[n]);
        out.putLong(gpr[RAX]).putLong(gpr[RCX]).putLong(gpr[RDX]).putLong(gpr[RSI]).putLong(gpr[RDI]).putLong(0).putLong(state.rip);
        out.putLong(selector(state, CpuState.CS)).putLong(state.rflags).putLong(gpr[RSP]).putLong(selector(state, CpuState.SS));
        out.putLong(state.segments[CpuState.FS].base()).putLong(state.segments[CpuState.GS].base());
        out.putLong(selector(state, CpuState.DS)).putLong(selector(state, CpuState.ES));
        return out.putLong(selector(state, CpuState.FS)).putLong(selector(state, CpuState.GS)).array();
    }

    private static byte[] prstatus32(CpuState state, int pid) {
        ByteBuffer out = little(PRSTATUS32_BYTES).putInt(PRSTATUS32_PID, pid).position(PRSTATUS32_REGS);
        for (int n : new int[] {RBX, RCX, RDX, RSI, RDI, RBP, RAX}) out.putInt((int) state.gpr[n]);
        for (int n : new int[] {CpuState.DS, CpuState.ES, CpuState.FS, CpuState.GS}) out.putInt(selector(state, n));
        out.putInt(0).putInt((int) state.rip).putInt(selector(state, CpuState.CS)).putInt((int) state.rflags);
        return out.putInt((int) state.gpr[RSP]).putInt(selector(state, CpuState.SS)).array();
    }

    private static byte[] cpuState(CpuState state) {
        ByteBuffer out = little(CPU_STATE_BYTES).putInt(1).putInt(CPU_STATE_BYTES);
        for (int n : new int[] {RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP}) out.putLong(state.gpr[n]);
        for (int n = 8; n < 16; n++) out.putLong(state.gpr[n]);
        out.putLong(state.rip).putLong(state.rflags);
        for (int n : new int[] {CpuState.CS, CpuState.DS, CpuState.ES, CpuState.FS, CpuState.GS, CpuState.SS}) {
            segment(out, state.segments[n]);
        }
        segment(out, state.ldtr);
        segment(out, state.tr);
        segment(out, new Segment(0, state.gdtr.base(), state.gdtr.limit(), 0));
        segment(out, new Segment(0, state.idtr.base(), state.idtr.limit(), 0));
        out.putLong(state.cr0).putLong(0).putLong(state.cr2).putLong(state.cr3).putLong(state.cr4);
        return out.putLong(state.msrs.getOrDefault(KERNEL_GS_BASE, 0L)).array();
    }

    /// The attributes are where a descriptor's upper half has them (SDM Vol. 3, Figure 3-8).
    private static void segment(ByteBuffer out, Segment segment) {
        out.putInt(segment.selector()).putInt(segment.limit()).putInt((segment.attributes() & 0xf0ff) << 8).putInt(0);
        out.putLong(segment.base());
    }

    private static int selector(CpuState state, int segment) {
        return state.segments[segment].selector();
    }

    private static boolean isLongMode(CpuState state) {
        return (state.msrs.getOrDefault(EFER, 0L) & EFER_LMA) != 0;
    }
}
