package io.kahvem.vmm.boot;

import io.kahvem.memory.GuestMemory;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// An executable's headers (System V ABI, chapters 4 and 5; little-endian, both classes) and how its segments get into guest memory.
///
/// @param wide ELFCLASS64
record Elf(boolean wide, int machine, long entry, List<Segment> segments) {
    static final int EM_386 = 3;
    static final int EM_X86_64 = 62;
    static final int PT_LOAD = 1;
    static final int PT_NOTE = 4;
    private static final int ET_EXEC = 2;
    private static final int ET_DYN = 3;
    /// No header of a kernel is longer, and nothing behind it is a program header.
    private static final int MAX_HEADERS = 1 << 15;
    private static final int PAGE = GuestMemory.PAGE_SIZE;

    record Segment(int type, long offset, long vaddr, long paddr, long fileBytes, long memoryBytes, long align) {
        long end() {
            return paddr + memoryBytes;
        }
    }

    /// Where the bytes of an executable come from: from the beginning, each time it is opened.
    @FunctionalInterface
    interface Source {
        InputStream open() throws IOException;
    }

    static boolean isElf(byte[] head) {
        return head.length >= 4 && Bytes.i32(head, 0) == 0x464c_457f;
    }

    /// Reads the headers. `what` begins the messages.
    static Elf parse(String what, InputStream in) throws IOException {
        byte[] head = in.readNBytes(64);
        if (!isElf(head)) throw new BootException(what + ": is not an ELF file");
        if (head.length < 64) throw new BootException(what + ": is truncated inside its ELF header");
        boolean wide = head[4] == 2;
        if (!wide && head[4] != 1 || head[5] != 1) throw new BootException(what + ": is not a little-endian 32-bit or 64-bit ELF file");
        int type = Bytes.u16(head, 16);
        int machine = Bytes.u16(head, 18);
        if (machine != EM_386 && machine != EM_X86_64) {
            throw new BootException("%s: is for another processor (ELF machine %d); this one runs x86 (3) and x86-64 (62)"
                    .formatted(what, machine));
        }
        if (type != ET_EXEC && type != ET_DYN) throw new BootException(what + ": is an object file or a core, not an executable");
        long entry = wide ? Bytes.i64(head, 24) : Bytes.u32(head, 24);
        long tableAt = wide ? Bytes.i64(head, 32) : Bytes.u32(head, 28);
        int entryBytes = Bytes.u16(head, wide ? 54 : 42);
        int count = Bytes.u16(head, wide ? 56 : 44);
        if (entryBytes < (wide ? 56 : 32) || tableAt < (wide ? 64 : 52) || tableAt > MAX_HEADERS || count == 0 || count == 0xffff) {
            throw new BootException(what + ": has no program headers to load");
        }
        byte[] table = new byte[count * entryBytes];
        int have = (int) Math.max(0, Math.min(table.length, 64 - tableAt));
        System.arraycopy(head, 64 - have, table, 0, have);
        boolean whole = tableAt <= 64 || in.readNBytes((int) tableAt - 64).length == tableAt - 64;
        if (!whole || in.readNBytes(table, have, table.length - have) < table.length - have) {
            throw new BootException(what + ": is truncated inside its program headers");
        }
        List<Segment> segments = new ArrayList<>();
        for (int i = 0; i < count; i++) segments.add(segment(wide, table, i * entryBytes));
        for (Segment segment : segments) {
            if (segment.offset < 0 || segment.fileBytes < 0 || segment.memoryBytes < 0 || segment.offset + segment.fileBytes < 0) {
                throw new BootException(what + ": has a program header that cannot be");
            }
        }
        return new Elf(wide, machine, entry, List.copyOf(segments));
    }

    private static Segment segment(boolean wide, byte[] table, int at) {
        return wide
                ? new Segment(Bytes.i32(table, at), Bytes.i64(table, at + 8), Bytes.i64(table, at + 16), Bytes.i64(table, at + 24),
                        Bytes.i64(table, at + 32), Bytes.i64(table, at + 40), Bytes.i64(table, at + 48))
                : new Segment(Bytes.i32(table, at), Bytes.u32(table, at + 4), Bytes.u32(table, at + 8), Bytes.u32(table, at + 12),
                        Bytes.u32(table, at + 16), Bytes.u32(table, at + 20), Bytes.u32(table, at + 28));
    }

    List<Segment> loadable() {
        return segments.stream()
                .filter(segment -> segment.type == PT_LOAD && segment.memoryBytes > 0)
                .sorted(Comparator.comparingLong(Segment::offset))
                .toList();
    }

    /// Throws BootException where a segment has no RAM to go to; writes nothing.
    void requireRoom(String what, MemoryLayout layout) {
        if (loadable().isEmpty()) throw new BootException(what + ": has nothing to load");
        for (Segment segment : loadable()) {
            if (segment.fileBytes > segment.memoryBytes) {
                throw new BootException(what + ": has a segment longer in the file than in memory");
            }
            if (segment.end() < segment.paddr) throw new BootException(what + ": has a segment that wraps around");
            layout.require(what, segment.paddr, segment.memoryBytes);
        }
    }

    long lowest() {
        return loadable().stream().mapToLong(Segment::paddr).min().orElse(0);
    }

    /// The end of the last segment that lies below `limit`.
    long highest(long limit) {
        return loadable().stream().mapToLong(Segment::end).filter(end -> end <= limit).max().orElse(0);
    }

    /// Copies the segments to their physical addresses and clears what they have beyond their file's bytes. Reads and closes `first`,
    /// which is at the file's beginning; goes to `again` where segments share bytes of the file.
    void load(String what, InputStream first, Source again, GuestMemory memory) throws IOException {
        InputStream in = first;
        try {
            long position = 0;
            byte[] chunk = new byte[1 << 16];
            for (Segment segment : loadable()) {
                if (segment.offset < position) {
                    in.close();
                    in = again.open();
                    position = 0;
                }
                in.skipNBytes(segment.offset - position);
                for (long done = 0; done < segment.fileBytes; ) {
                    int count = in.readNBytes(chunk, 0, (int) Math.min(chunk.length, segment.fileBytes - done));
                    if (count == 0) throw new EOFException();
                    memory.write(segment.paddr + done, chunk, 0, count);
                    done += count;
                }
                position = segment.offset + segment.fileBytes;
                clear(memory, segment.paddr + segment.fileBytes, segment.end());
            }
        } catch (EOFException e) {
            throw new BootException(what + ": is truncated: it ends inside a segment", e);
        } finally {
            in.close();
        }
    }

    /// Pages that are zero already are left alone, so that those never touched take no memory of the host.
    static void clear(GuestMemory memory, long gpa, long end) {
        byte[] page = new byte[PAGE];
        byte[] zeros = new byte[PAGE];
        while (gpa < end) {
            int count = (int) Math.min(PAGE - (gpa & (PAGE - 1)), end - gpa);
            memory.read(gpa, page, 0, count);
            if (!Arrays.equals(page, 0, count, zeros, 0, count)) memory.write(gpa, zeros, 0, count);
            gpa += count;
        }
    }

    /// The physical address of the entry point, which some linkers give as a virtual one.
    long physicalEntry() {
        for (Segment segment : loadable()) {
            if (entry >= segment.paddr && entry < segment.end()) return entry;
        }
        for (Segment segment : loadable()) {
            if (Long.compareUnsigned(entry - segment.vaddr, segment.memoryBytes) < 0) return entry - segment.vaddr + segment.paddr;
        }
        return entry;
    }
}
