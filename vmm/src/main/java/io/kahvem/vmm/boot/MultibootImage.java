package io.kahvem.vmm.boot;

import io.kahvem.config.Boot;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.memory.GuestMemory;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A Multiboot 1 kernel (Multiboot Specification 0.6.96): loaded by the addresses in its header or as 32-bit ELF, entered in 32-bit
/// protected mode with EAX = 2BADB002h and EBX at the information structure.
public final class MultibootImage implements BootImage {
    /// The header is in here, 4-aligned (section 3.1).
    static final int SEARCH_BYTES = 8192;

    private static final int HEADER_MAGIC = 0x1bad_b002;
    private static final long LOADER_MAGIC = 0x2bad_b002L;
    // Flags of the header (section 3.1.2).
    private static final int MUST_UNDERSTAND = 0xffff;
    /// Page-aligned modules, memory information, and a wish for video, which a kernel must be able to do without.
    private static final int UNDERSTOOD = 0b111;
    private static final int HAS_ADDRESSES = 1 << 16;
    // Flags of the information structure (section 3.3).
    private static final int INFO_MEMORY = 1;
    private static final int INFO_CMDLINE = 1 << 2;
    private static final int INFO_MODS = 1 << 3;
    private static final int INFO_MMAP = 1 << 6;
    private static final int INFO_LOADER_NAME = 1 << 9;
    private static final int INFO_BYTES = 120;
    private static final int RAX = 0;
    private static final int RBX = 3;

    /// A module's file, and the string the kernel sees with it.
    private record Module(ImageFile file, String text) {}

    private final ImageFile kernel;
    private final Elf program;
    private final List<Module> modules;
    private final String commandLine;

    private MultibootImage(ImageFile kernel, Elf program, List<Module> modules, String commandLine) {
        this.kernel = kernel;
        this.program = program;
        this.modules = modules;
        this.commandLine = commandLine;
    }

    static boolean isMultiboot(byte[] head) {
        return headerAt(head) >= 0;
    }

    /// Whether the header has the load addresses itself, so that it doesn't matter what else the file is.
    static boolean tellsAddresses(byte[] head) {
        return (Bytes.i32(head, headerAt(head) + 4) & HAS_ADDRESSES) != 0;
    }

    private static int headerAt(byte[] head) {
        for (int at = 0; at + 12 <= head.length && at < SEARCH_BYTES; at += 4) {
            if (Bytes.i32(head, at) == HEADER_MAGIC && HEADER_MAGIC + Bytes.i32(head, at + 4) + Bytes.i32(head, at + 8) == 0) return at;
        }
        return -1;
    }

    static MultibootImage of(ImageFile kernel, byte[] head, Optional<Elf> elf, Boot.Kernel boot) {
        int at = headerAt(head);
        int flags = Bytes.i32(head, at + 4);
        int unknown = flags & MUST_UNDERSTAND & ~UNDERSTOOD;
        if (unknown != 0) {
            throw kernel.bad("is a Multiboot kernel that requires features unknown here (header flags %#x)".formatted(unknown));
        }
        Elf program;
        if ((flags & HAS_ADDRESSES) != 0) {
            program = byAddresses(kernel, head, at);
        } else {
            program = elf.orElseThrow(() -> kernel.bad("is a Multiboot kernel that is no ELF file and does not tell its load address"));
        }
        List<Module> modules = new ArrayList<>();
        try {
            for (Boot.Module module : boot.modules()) {
                modules.add(new Module(ImageFile.open("module", module.file()), module.text()));
            }
        } catch (RuntimeException e) {
            modules.forEach(module -> module.file.close());
            throw e;
        }
        String commandLine = boot.commandLine().isEmpty() ? boot.kernel().toString() : boot.kernel() + " " + boot.commandLine();
        return new MultibootImage(kernel, program, List.copyOf(modules), commandLine);
    }

    /// The address fields of the header (section 3.1.3), as the one segment they describe.
    private static Elf byAddresses(ImageFile kernel, byte[] head, int at) {
        if (at + 32 > head.length) throw kernel.bad("is truncated inside its Multiboot header");
        long headerAddress = Bytes.u32(head, at + 12);
        long load = Bytes.u32(head, at + 16);
        long loadEnd = Bytes.u32(head, at + 20);
        long bssEnd = Bytes.u32(head, at + 24);
        long entry = Bytes.u32(head, at + 28);
        long offset = at - (headerAddress - load);
        if (load > headerAddress || offset < 0) throw kernel.bad("has load addresses in its Multiboot header that cannot be");
        long bytes = loadEnd == 0 ? kernel.size() - offset : loadEnd - load;
        if (bytes <= 0 || bssEnd != 0 && bssEnd < load + bytes) {
            throw kernel.bad("has load addresses in its Multiboot header that cannot be");
        }
        if (bytes > kernel.size() - offset) {
            throw kernel.bad("is truncated: its Multiboot header wants %d bytes, and there are %d"
                    .formatted(bytes, kernel.size() - offset));
        }
        long memory = Math.max(bytes, bssEnd - load);
        return new Elf(false, Elf.EM_386, entry, List.of(new Elf.Segment(Elf.PT_LOAD, offset, load, load, bytes, memory, 4)));
    }

    @Override
    public CpuState load(BootTarget target) {
        String what = kernel.toString();
        GuestMemory memory = target.memory();
        MemoryLayout layout = target.layout();
        program.requireRoom(what, layout);
        try {
            InputStream first = kernel.stream(0, kernel.size());
            program.load(what, first, () -> kernel.stream(0, kernel.size()), memory);
        } catch (IOException e) {
            throw kernel.bad("cannot be loaded: " + e.getMessage());
        }
        long end = Math.max(program.highest(layout.lowBytes()), MemoryLayout.EXTENDED);
        List<Initrd> placed = new ArrayList<>();
        for (Module module : modules) {
            Initrd initrd = Initrd.placeAt(module.file, memory, pageAfter(end), layout.lowBytes());
            placed.add(initrd);
            end = initrd.gpa() + initrd.bytes();
        }
        BootArea area = BootArea.beside(program.loadable(), pageAfter(end), layout, memory);
        CpuState state = EntryState.protectedMode(area, program.physicalEntry());
        state.gpr[RAX] = LOADER_MAGIC;
        state.gpr[RBX] = information(area, layout, placed);
        return state;
    }

    private static long pageAfter(long gpa) {
        return gpa + GuestMemory.PAGE_SIZE - 1 & -(long) GuestMemory.PAGE_SIZE;
    }

    /// Section 3.3. Modules are page-aligned and memory is told whether the kernel asked for that or not; of video it is told nothing.
    private long information(BootArea area, MemoryLayout layout, List<Initrd> placed) {
        byte[] info = new byte[INFO_BYTES];
        Bytes.put32(info, 4, MemoryLayout.EBDA >>> 10);
        Bytes.put32(info, 8, layout.lowBytes() - MemoryLayout.EXTENDED >>> 10);
        Bytes.put32(info, 16, area.put(commandLine));
        byte[] mods = new byte[16 * placed.size()];
        for (int i = 0; i < placed.size(); i++) {
            Bytes.put32(mods, 16 * i, placed.get(i).gpa());
            Bytes.put32(mods, 16 * i + 4, placed.get(i).gpa() + placed.get(i).bytes());
            Bytes.put32(mods, 16 * i + 8, area.put(modules.get(i).text));
        }
        Bytes.put32(info, 20, placed.size());
        Bytes.put32(info, 24, area.put(mods, 8));
        List<MemoryLayout.Region> regions = layout.regions();
        byte[] map = new byte[24 * regions.size()];
        for (int i = 0; i < regions.size(); i++) {
            Bytes.put32(map, 24 * i, 20); // the size of the rest
            Bytes.put64(map, 24 * i + 4, regions.get(i).gpa());
            Bytes.put64(map, 24 * i + 12, regions.get(i).sizeBytes());
            Bytes.put32(map, 24 * i + 20, regions.get(i).type().code);
        }
        Bytes.put32(info, 44, map.length);
        Bytes.put32(info, 48, area.put(map, 8));
        Bytes.put32(info, 64, area.put("kahvem"));
        Bytes.put32(info, 0, INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MMAP | INFO_LOADER_NAME);
        return area.put(info, 8);
    }

    @Override
    public void close() {
        kernel.close();
        modules.forEach(module -> module.file.close());
    }
}
