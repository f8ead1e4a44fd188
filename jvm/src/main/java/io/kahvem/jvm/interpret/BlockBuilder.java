package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.jvm.semantics.Form;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Decodes a block: instructions up to a branch, the end of the page or [#MAX_INSTRUCTIONS]. One a vCPU.
final class BlockBuilder {
    static final int MAX_INSTRUCTIONS = 24;

    private final GuestMemory memory;
    private final CodeCache cache;
    private final Spinner spinner;
    private final Decoder decoder;
    private final Runnable pageBecameCode;
    private final byte[] bytes = new byte[2 * Decoder.MAX_LENGTH];
    private final Decoded[] decoded = new Decoded[MAX_INSTRUCTIONS];
    private long built;

    /// `pageBecameCode` takes from all vCPUs the right to store without asking.
    BlockBuilder(GuestMemory memory, CodeCache cache, Spinner spinner, OpcodeMap map, Runnable pageBecameCode) {
        this.memory = memory;
        this.cache = cache;
        this.spinner = spinner;
        this.decoder = new Decoder(map);
        this.pageBecameCode = pageBecameCode;
        Arrays.setAll(decoded, n -> new Decoded());
    }

    /// Decodes the block at linear address `gva`, translated to `gpa`. Null with a fault noted if its first instruction reaches into a page
    /// that can't be fetched from.
    @Nullable Block build(Cpu c, long gva, long gpa) {
        int mode = CodePage.key(c.mode);
        CodePage page = cache.page(gpa);
        for (; ; ) {
            mark(gpa);
            synchronized (page) {
                if (memory.slotAt(gpa) != null && !memory.isCode(gpa)) continue;
                Block known = page.find((int) gpa & 0xfff, mode);
                if (known != null && known.crossesInto < 0) return known;
                Block block = decode(gpa, mode, page);
                if (block != null) return block;
            }
            return crossing(c, gva, gpa, mode, page);
        }
    }

    /// How many blocks were decoded. Any thread; approximate while the vCPU runs.
    long built() {
        return built;
    }

    private void mark(long gpa) {
        if (!memory.isCode(gpa) && memory.markCode(gpa)) pageBecameCode.run();
    }

    /// A block inside the page, or null if even the first instruction goes beyond it.
    private @Nullable Block decode(long gpa, int mode, CodePage page) {
        int offset = (int) gpa & GuestMemory.PAGE_SIZE - 1;
        int limit = (mode & Mode.STEP) != 0 ? 1 : MAX_INSTRUCTIONS;
        int count = 0;
        int length = 0;
        boolean ended = false;
        while (count < limit && !ended && offset + length < GuestMemory.PAGE_SIZE) {
            int available = Math.min(Decoder.MAX_LENGTH, GuestMemory.PAGE_SIZE - offset - length);
            memory.read(gpa + length, bytes, 0, available);
            Decoded d = decoded[count];
            if (!decoder.decode(bytes, available, mode, d)) break;
            count++;
            length += d.length;
            ended = d.row.endsBlock();
        }
        if (count == 0) return null;
        Block block = link(count, page, offset, length, mode, -1);
        if (memory.slotAt(gpa) != null && (mode & Mode.STEP) == 0) page.add(block);
        return block;
    }

    /// A block of the one instruction that reaches from this page into the next.
    private @Nullable Block crossing(Cpu c, long gva, long gpa, int mode, CodePage page) {
        long nextGva = (gva & -GuestMemory.PAGE_SIZE) + GuestMemory.PAGE_SIZE;
        long nextGpa = c.mmu.fetch(c, c.code64() ? nextGva : nextGva & 0xffff_ffffL);
        if (nextGpa < 0) return null;
        int offset = (int) gpa & GuestMemory.PAGE_SIZE - 1;
        int here = GuestMemory.PAGE_SIZE - offset;
        mark(nextGpa);
        memory.read(gpa, bytes, 0, here);
        memory.read(nextGpa, bytes, here, Decoder.MAX_LENGTH);
        Decoded d = decoded[0];
        if (!decoder.decode(bytes, Decoder.MAX_LENGTH, mode, d)) throw new AssertionError("15 bytes are an instruction or none");
        Block block = link(1, page, offset, d.length, mode, nextGpa);
        if (memory.slotAt(gpa) != null && (mode & Mode.STEP) == 0) {
            page.add(block);
            cache.page(nextGpa).addIncoming(block);
            // Bytes written between being read and the block's being listed would be missed: look again.
            byte[] again = new byte[d.length];
            memory.read(gpa, again, 0, Math.min(here, again.length));
            if (again.length > here) memory.read(nextGpa, again, here, again.length - here);
            if (!Arrays.equals(again, 0, again.length, bytes, 0, again.length) || !memory.isCode(gpa) || !memory.isCode(nextGpa)) {
                block.valid = false;
            }
        }
        return block;
    }

    /// Makes the instructions of the first `count` decoded ones, from the last to the first, so that each knows its follower and whether
    /// its flags are seen.
    private Block link(int count, CodePage page, int offset, int length, int mode, long crossesInto) {
        Insn next = null;
        Decoded last = decoded[count - 1];
        Op.Kind kind = last.row.op.kind();
        if (kind != Op.Kind.BRANCH && kind != Op.Kind.CONTROL) {
            EndOfBlock closing = new EndOfBlock();
            closing.start = (short) length;
            closing.end = (short) length;
            closing.mode = (byte) mode;
            closing.blockOffset = (short) offset;
            next = closing;
        }
        boolean flagsLive = true;
        int end = length;
        for (int n = count - 1; n >= 0; n--) {
            Decoded d = decoded[n];
            int form = d.size | ((mode & Mode.SIZE) == Mode.CODE64 ? Form.CODE64 : 0);
            if (!flagsLive && d.row.writesFlags() && !d.storesResult()) form |= Form.FLAGS_DEAD;
            if (d.setsAllFlags()) flagsLive = false;
            if (d.row.seesFlags() || d.mayFault()) flagsLive = true;
            Insn insn = spinner.make(shape(d, form));
            d.fill(insn, end - d.length, form, mode);
            if (insn instanceof Branch branch) branch.blockOffset = (short) offset;
            insn.next = next;
            next = insn;
            end -= d.length;
        }
        built++;
        Block block = new Block(Objects.requireNonNull(next), count, page.gpa, offset, length, mode, crossesInto);
        if (crossesInto < 0) block.entry = page.entry(offset, mode);
        return block;
    }

    private static Spinner.Shape shape(Decoded d, int form) {
        return switch (d.row.op.kind()) {
            case UPDATE, COMPUTE, CONSUME -> new Spinner.Shape(d.row.op, form, List.of(Arrays.copyOf(d.places, d.operands)),
                    d.addressing(), d.lock, d.operationMayFault());
            default -> new Spinner.Shape(d.row.op, d.row.op.kind().vex() && d.vl256 ? Spinner.VL256 : 0, List.of(),
                    Spinner.Addressing.NONE, false, false);
        };
    }
}
