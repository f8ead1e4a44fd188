package io.kahvem.vmm.boot;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.memory.GuestMemory;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/// A Linux bzImage (Documentation/arch/x86/boot.rst, zero-page.rst).
///
/// We unpack the kernel, which the guest would do slowly, and enter it where its own decompressor would: at the entry point of the
/// unpacked ELF file, in 64-bit mode with RSI at boot_params, at the physical address it is linked to, so that there is nothing to
/// relocate. A kernel packed in a way we don't know, older than protocol 2.08, or without a payload is entered at 32 bits.
public final class LinuxImage implements BootImage {
    // Fields of the setup header, by their offsets in the file and in boot_params alike.
    private static final int SETUP_SECTS = 0x1f1;
    private static final int VID_MODE = 0x1fa;
    private static final int BOOT_FLAG = 0x1fe;
    private static final int JUMP = 0x200;
    private static final int HEADER = 0x202;
    private static final int VERSION = 0x206;
    private static final int TYPE_OF_LOADER = 0x210;
    private static final int LOADFLAGS = 0x211;
    private static final int CODE32_START = 0x214;
    private static final int RAMDISK_IMAGE = 0x218;
    private static final int RAMDISK_SIZE = 0x21c;
    private static final int CMD_LINE_PTR = 0x228;
    private static final int INITRD_ADDR_MAX = 0x22c;
    private static final int CMDLINE_SIZE = 0x238;
    private static final int SYSSIZE = 0x1f4;
    private static final long PARAGRAPH = 16;
    private static final int PAYLOAD_OFFSET = 0x248;
    private static final int PAYLOAD_LENGTH = 0x24c;
    private static final int SETUP_DATA = 0x250;
    private static final int PREF_ADDRESS = 0x258;
    private static final int INIT_SIZE = 0x260;
    // Fields of boot_params outside of the setup header.
    private static final int ACPI_RSDP_ADDR = 0x70;
    private static final int E820_ENTRIES = 0x1e8;
    private static final int E820_TABLE = 0x2d0;

    private static final int HDRS = 0x5372_6448;
    private static final int LOADED_HIGH = 1;
    private static final int SETUP_RNG_SEED = 9;
    private static final int SECTOR = 512;
    private static final int PAGE = GuestMemory.PAGE_SIZE;
    private static final int HEADER_BYTES = 0x280;
    /// The first bytes of an unpacked kernel, among which its ELF headers are.
    private static final int ELF_HEADERS = 1 << 16;
    private static final long BZIMAGE_BASE = 0x10_0000;
    /// What a self-unpacking kernel too old to say is granted to work in.
    private static final long UNTOLD_INIT_SIZE = 32 << 20;
    private static final int RSI = 6;

    private final ImageFile kernel;
    private final Optional<ImageFile> initrd;
    private final String commandLine;
    private final byte[] header;
    private final int version;
    private final long kernelAt;
    private final Payload packing;

    private LinuxImage(ImageFile kernel, Optional<ImageFile> initrd, String commandLine, byte[] header, Payload packing) {
        this.kernel = kernel;
        this.initrd = initrd;
        this.commandLine = commandLine;
        this.header = header;
        this.version = Bytes.u16(header, VERSION);
        this.kernelAt = kernelAt(header);
        this.packing = packing;
    }

    static boolean isLinux(byte[] head) {
        return head.length >= HEADER + 4 && Bytes.i32(head, HEADER) == HDRS;
    }

    /// Checks all that the header tells; the payload itself is looked at when it is loaded.
    static LinuxImage of(ImageFile kernel, Optional<ImageFile> initrd, String commandLine) {
        byte[] header = kernel.readUpTo(0, HEADER_BYTES);
        if (header.length < HEADER_BYTES) throw kernel.bad("is truncated inside the header of a Linux kernel");
        int version = Bytes.u16(header, VERSION);
        if (Bytes.u16(header, BOOT_FLAG) != 0xaa55 || version < 0x206 || (Bytes.u8(header, LOADFLAGS) & LOADED_HIGH) == 0) {
            throw kernel.bad("is a Linux kernel of boot protocol %d.%02d; only bzImages of 2.06 (Linux 2.6.22) and later can be booted"
                    .formatted(version >>> 8, version & 0xff));
        }
        long kernelAt = kernelAt(header);
        if (kernelAt >= kernel.size()) {
            throw kernel.bad("is truncated: it ends inside the real-mode part, which has %d bytes".formatted(kernelAt));
        }
        Payload packing = version >= 0x208 ? packing(kernel, header, kernelAt) : Payload.UNKNOWN;
        int longest = Bytes.i32(header, CMDLINE_SIZE);
        int given = commandLine.getBytes(StandardCharsets.UTF_8).length;
        if (longest > 0 && given > longest) {
            throw new BootException("the command line has %d bytes, and %s takes at most %d".formatted(given, kernel, longest));
        }
        return new LinuxImage(kernel, initrd, commandLine, header, packing);
    }

    private static Payload packing(ImageFile kernel, byte[] header, long kernelAt) {
        long start = kernelAt + Bytes.u32(header, PAYLOAD_OFFSET);
        long length = Bytes.u32(header, PAYLOAD_LENGTH);
        // The protected-mode part is longer than its payload; its size is told in paragraphs, of which the last need not be whole.
        long end = Math.max(start + length, kernelAt + PARAGRAPH * Bytes.u32(header, SYSSIZE) - (PARAGRAPH - 1));
        if (end > kernel.size()) {
            throw kernel.bad("is truncated: its header says that it goes on to byte %d, and it ends at %d".formatted(end, kernel.size()));
        }
        byte[] magic = kernel.readUpTo(start, Payload.MAGIC_BYTES);
        Payload packing = Payload.of(magic);
        if (start == kernelAt && length == 0) return Payload.UNKNOWN; // it tells of none: a program that is what it is, such as memtest86+
        if (packing == Payload.UNKNOWN || length < Payload.MAGIC_BYTES) {
            throw kernel.bad("is damaged or packed in an unknown way: what should be the packed kernel, at byte %d, begins with %s"
                    .formatted(start, HexFormat.ofDelimiter(" ").formatHex(magic)));
        }
        return packing;
    }

    private static long kernelAt(byte[] header) {
        int sectors = Bytes.u8(header, SETUP_SECTS);
        return (long) ((sectors == 0 ? 4 : sectors) + 1) * SECTOR; // 0 stands for 4, for old times' sake
    }

    @Override
    public CpuState load(BootTarget target) {
        return packing.unpackedHere() ? loadUnpacked(target) : loadPacked(target);
    }

    private CpuState loadUnpacked(BootTarget target) {
        String what = kernel.toString();
        Elf elf;
        try {
            InputStream unpacked = new BufferedInputStream(unpack(), ELF_HEADERS);
            unpacked.mark(ELF_HEADERS);
            elf = Elf.parse(what + " (unpacked)", unpacked);
            elf.requireRoom(what, target.layout());
            if (elf.lowest() < MemoryLayout.EXTENDED) throw kernel.bad("wants to be loaded below 1 MiB");
            unpacked.reset(); // what was unpacked for the headers is not unpacked once more
            elf.load(what, unpacked, this::unpack, target.memory());
        } catch (EOFException e) {
            throw kernel.bad("is damaged: its packed kernel (%s) ends early".formatted(packing));
        } catch (IOException e) {
            throw kernel.bad("is damaged: its packed kernel (%s) cannot be unpacked: %s".formatted(packing, e.getMessage()));
        }
        BootArea area = new BootArea(target.memory(), BootArea.LOW, BootArea.LOW_END);
        CpuState state = elf.wide() ? EntryState.longMode(area, elf.physicalEntry()) : EntryState.protectedMode(area, elf.physicalEntry());
        state.gpr[RSI] = bootParams(area, target, elf.lowest(), elf.highest(target.layout().lowBytes()));
        return state;
    }

    /// The unpacked kernel, an ELF file with a table of relocations behind it.
    InputStream unpack() throws IOException {
        long start = kernelAt + Bytes.u32(header, PAYLOAD_OFFSET);
        long length = Bytes.u32(header, PAYLOAD_LENGTH);
        long unpackedBytes = Bytes.u32(kernel.readUpTo(start + length - 4, 4), 0);
        return packing.unpack(kernel.stream(start, packing.sizeIsPartOfFormat() ? length : length - 4), unpackedBytes);
    }

    private CpuState loadPacked(BootTarget target) {
        long bytes = kernel.size() - kernelAt;
        long workspace = version >= 0x20a ? Bytes.u32(header, INIT_SIZE) : UNTOLD_INIT_SIZE;
        long end = BZIMAGE_BASE + Math.max(bytes, workspace);
        target.layout().require(kernel.toString(), BZIMAGE_BASE, end - BZIMAGE_BASE);
        byte[] chunk = new byte[1 << 16];
        for (long done = 0; done < bytes; done += chunk.length) {
            int count = (int) Math.min(chunk.length, bytes - done);
            kernel.read(kernelAt + done, chunk, 0, count);
            target.memory().write(BZIMAGE_BASE + done, chunk, 0, count);
        }
        BootArea area = new BootArea(target.memory(), BootArea.LOW, BootArea.LOW_END);
        CpuState state = EntryState.protectedMode(area, BZIMAGE_BASE);
        // It unpacks itself at its preferred address, so the initrd keeps away from there too.
        long unpackedEnd = version >= 0x20a ? Bytes.i64(header, PREF_ADDRESS) + workspace : end;
        state.gpr[RSI] = bootParams(area, target, BZIMAGE_BASE, Math.max(end, unpackedEnd));
        return state;
    }

    private long bootParams(BootArea area, BootTarget target, long codeStart, long kernelEnd) {
        byte[] params = new byte[PAGE];
        int headerEnd = Math.min(HEADER + Bytes.u8(header, JUMP + 1), HEADER_BYTES);
        System.arraycopy(header, SETUP_SECTS, params, SETUP_SECTS, headerEnd - SETUP_SECTS);
        params[TYPE_OF_LOADER] = (byte) 0xff; // a loader without a number
        params[LOADFLAGS] |= LOADED_HIGH;
        Bytes.put16(params, VID_MODE, 0xffff); // normal
        Bytes.put32(params, CODE32_START, codeStart);
        Bytes.put64(params, ACPI_RSDP_ADDR, target.rsdpGpa());
        Bytes.put32(params, CMD_LINE_PTR, area.put(commandLine));
        List<MemoryLayout.Region> regions = target.layout().regions();
        params[E820_ENTRIES] = (byte) regions.size();
        for (int i = 0; i < regions.size(); i++) {
            Bytes.put64(params, E820_TABLE + 20 * i, regions.get(i).gpa());
            Bytes.put64(params, E820_TABLE + 20 * i + 8, regions.get(i).sizeBytes());
            Bytes.put32(params, E820_TABLE + 20 * i + 16, regions.get(i).type().code);
        }
        if (initrd.isPresent()) {
            long limit = Math.min(Bytes.u32(header, INITRD_ADDR_MAX) + 1, target.layout().lowBytes());
            Initrd placed = Initrd.placeHigh(initrd.get(), target.memory(), kernelEnd, limit);
            Bytes.put32(params, RAMDISK_IMAGE, placed.gpa());
            Bytes.put32(params, RAMDISK_SIZE, placed.bytes());
        }
        byte[] seed = target.rngSeed();
        if (seed.length > 0 && version >= 0x209) {
            byte[] setupData = new byte[16 + seed.length]; // next, type, length, data
            Bytes.put32(setupData, 8, SETUP_RNG_SEED);
            Bytes.put32(setupData, 12, seed.length);
            System.arraycopy(seed, 0, setupData, 16, seed.length);
            Bytes.put64(params, SETUP_DATA, area.put(setupData, 16));
        }
        return area.put(params, PAGE);
    }

    @Override
    public void close() {
        kernel.close();
        initrd.ifPresent(ImageFile::close);
    }
}
