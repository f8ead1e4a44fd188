package io.kahvem.vmm.boot;

import io.kahvem.hypervisor.CpuState;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/// An ELF file with a PVH entry point (Xen's docs/misc/pvh.pandoc): entered in 32-bit protected mode with EBX at struct hvm_start_info.
public final class PvhImage implements BootImage {
    private static final int XEN_ELFNOTE_PHYS32_ENTRY = 18;
    private static final int MAX_NOTES = 1 << 20;
    private static final long HVM_START_MAGIC = 0x336e_c578;
    private static final int RBX = 3;

    private final ImageFile kernel;
    private final Elf elf;
    private final long entry;
    private final Optional<ImageFile> initrd;
    private final String commandLine;

    private PvhImage(ImageFile kernel, Elf elf, long entry, Optional<ImageFile> initrd, String commandLine) {
        this.kernel = kernel;
        this.elf = elf;
        this.entry = entry;
        this.initrd = initrd;
        this.commandLine = commandLine;
    }

    static PvhImage of(ImageFile kernel, Elf elf, Optional<ImageFile> initrd, String commandLine) throws IOException {
        for (Elf.Segment segment : elf.segments()) {
            if (segment.type() != Elf.PT_NOTE || segment.fileBytes() > MAX_NOTES) continue;
            try (InputStream in = kernel.stream(segment.offset(), segment.fileBytes())) {
                Optional<Long> entry = entryIn(in.readAllBytes(), segment.align() == 8 ? 8 : 4);
                if (entry.isPresent()) return new PvhImage(kernel, elf, entry.get(), initrd, commandLine);
            }
        }
        throw kernel.bad("is an ELF file without a PVH entry note (Linux: CONFIG_PVH=y), so there is no way known to start it; "
                + "give the bzImage, often named vmlinuz");
    }

    /// Notes are name size, description size, type, then name and description, each padded.
    private static Optional<Long> entryIn(byte[] notes, int align) {
        for (long at = 0; at + 12 <= notes.length; ) {
            long nameBytes = Bytes.u32(notes, (int) at);
            long descriptionBytes = Bytes.u32(notes, (int) at + 4);
            int type = Bytes.i32(notes, (int) at + 8);
            long description = at + 12 + nameBytes + align - 1 & -align;
            long next = description + descriptionBytes + align - 1 & -align;
            if (description + descriptionBytes > notes.length) return Optional.empty();
            boolean xen = nameBytes == 4 && Bytes.i32(notes, (int) at + 12) == 0x006e_6558;
            if (xen && type == XEN_ELFNOTE_PHYS32_ENTRY && descriptionBytes >= 4) return Optional.of(Bytes.u32(notes, (int) description));
            at = next;
        }
        return Optional.empty();
    }

    @Override
    public CpuState load(BootTarget target) {
        String what = kernel.toString();
        MemoryLayout layout = target.layout();
        elf.requireRoom(what, layout);
        try {
            elf.load(what, kernel.stream(0, kernel.size()), () -> kernel.stream(0, kernel.size()), target.memory());
        } catch (IOException e) {
            throw kernel.bad("cannot be loaded: " + e.getMessage());
        }
        long kernelEnd = Math.max(elf.highest(layout.lowBytes()), MemoryLayout.EXTENDED);
        Optional<Initrd> module = initrd.map(file -> Initrd.placeHigh(file, target.memory(), kernelEnd, layout.lowBytes()));
        BootArea area = BootArea.beside(elf.loadable(), kernelEnd, layout, target.memory());
        CpuState state = EntryState.protectedMode(area, entry);
        state.gpr[RBX] = startInfo(area, target, module);
        return state;
    }

    private long startInfo(BootArea area, BootTarget target, Optional<Initrd> module) {
        List<MemoryLayout.Region> regions = target.layout().regions();
        byte[] map = new byte[24 * regions.size()];
        for (int i = 0; i < regions.size(); i++) {
            Bytes.put64(map, 24 * i, regions.get(i).gpa());
            Bytes.put64(map, 24 * i + 8, regions.get(i).sizeBytes());
            Bytes.put32(map, 24 * i + 16, regions.get(i).type().code);
        }
        byte[] info = new byte[56];
        Bytes.put32(info, 0, HVM_START_MAGIC);
        Bytes.put32(info, 4, 1); // version 1 has the memory map
        if (module.isPresent()) {
            byte[] entry = new byte[32];
            Bytes.put64(entry, 0, module.get().gpa());
            Bytes.put64(entry, 8, module.get().bytes());
            Bytes.put32(info, 12, 1);
            Bytes.put64(info, 16, area.put(entry, 8));
        }
        Bytes.put64(info, 24, area.put(commandLine));
        Bytes.put64(info, 32, target.rsdpGpa());
        Bytes.put64(info, 40, area.put(map, 8));
        Bytes.put32(info, 48, regions.size());
        return area.put(info, 8);
    }

    @Override
    public void close() {
        kernel.close();
        initrd.ifPresent(ImageFile::close);
    }
}
