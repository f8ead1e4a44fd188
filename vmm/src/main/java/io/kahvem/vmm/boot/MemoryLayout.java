package io.kahvem.vmm.boot;

import io.kahvem.config.Sizes;
import java.util.ArrayList;
import java.util.List;

/// Where a machine's RAM lies in guest-physical space, as its E820 map tells the guest: RAM up to 2 GiB, then devices up to 4 GiB, then
/// the rest of RAM.
///
/// @param lowBytes RAM from address 0 up
/// @param highBytes RAM from 4 GiB up, 0 if all of it is low
public record MemoryLayout(long lowBytes, long highBytes) {
    public static final long LOW_LIMIT = 0x8000_0000L;
    public static final long HIGH_BASE = 0x1_0000_0000L;

    /// The extended BIOS data area: the last kilobyte of conventional memory.
    static final long EBDA = 0x9_fc00;
    /// Here the video memory and the option ROMs begin.
    static final long CONVENTIONAL_END = 0xa_0000;
    /// The firmware's area, where ACPI's tables are.
    static final long FIRMWARE = 0xe_0000;
    static final long EXTENDED = 0x10_0000;

    /// The types of ACPI 6.5, table 15.10, the same in E820, PVH and Multiboot.
    public enum Type {
        USABLE(1),
        RESERVED(2);

        public final int code;

        Type(int code) {
            this.code = code;
        }
    }

    public record Region(long gpa, long sizeBytes, Type type) {
        long end() {
            return gpa + sizeBytes;
        }
    }

    public MemoryLayout {
        if (lowBytes < EXTENDED || lowBytes > LOW_LIMIT) throw new IllegalArgumentException("%#x bytes of low RAM".formatted(lowBytes));
    }

    public static MemoryLayout of(long ramBytes) {
        long low = Math.min(ramBytes, LOW_LIMIT);
        return new MemoryLayout(low, ramBytes - low);
    }

    public List<Region> regions() {
        List<Region> map = new ArrayList<>();
        map.add(new Region(0, EBDA, Type.USABLE));
        map.add(new Region(EBDA, CONVENTIONAL_END - EBDA, Type.RESERVED));
        map.add(new Region(FIRMWARE, EXTENDED - FIRMWARE, Type.RESERVED));
        if (lowBytes > EXTENDED) map.add(new Region(EXTENDED, lowBytes - EXTENDED, Type.USABLE));
        if (highBytes > 0) map.add(new Region(HIGH_BASE, highBytes, Type.USABLE));
        return map;
    }

    boolean isUsable(long gpa, long bytes) {
        for (Region region : regions()) {
            if (region.type() == Type.USABLE && gpa >= region.gpa() && bytes >= 0 && bytes <= region.end() - gpa) return true;
        }
        return false;
    }

    /// Throws BootException, naming `what`, where the range is no usable RAM of this machine.
    void require(String what, long gpa, long bytes) {
        if (isUsable(gpa, bytes)) return;
        if (gpa >= EXTENDED && gpa + bytes > lowBytes && lowBytes < LOW_LIMIT) {
            throw new BootException("%s needs memory up to %s (%#x), and the machine has %s: give it more, as in --memory %dM"
                    .formatted(what, about(gpa + bytes), gpa + bytes, Sizes.show(lowBytes), suggestedMegabytes(gpa + bytes)));
        }
        throw new BootException("%s wants %#x to %#x, which is not RAM that a kernel may be loaded to".formatted(what, gpa, gpa + bytes));
    }

    static String about(long bytes) {
        if (bytes < 10L << 10) return bytes + " bytes";
        return bytes < 10L << 20 ? Math.ceilDiv(bytes, 1L << 10) + " KiB" : Math.ceilDiv(bytes, 1L << 20) + " MiB";
    }

    /// The next power of two that leaves a guest some room.
    static long suggestedMegabytes(long bytes) {
        long megabytes = Math.max(64, (bytes + bytes / 4) >>> 20);
        return Long.highestOneBit(megabytes) == megabytes ? megabytes : Long.highestOneBit(megabytes) << 1;
    }
}
