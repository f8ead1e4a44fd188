package io.kahvem.vmm.boot;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/// Small kernels for the tests of the loaders, of no use but to be loaded.
final class Images {
    private Images() {}

    record Load(long vaddr, long paddr, byte[] bytes, long memoryBytes) {}

    static byte[] filled(int bytes, int value) {
        byte[] result = new byte[bytes];
        Arrays.fill(result, (byte) value);
        return result;
    }

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }

    /// `note` is a PT_NOTE segment's content, empty for none.
    static byte[] elf64(long entry, byte[] note, Load... loads) {
        int headers = 64 + 56 * (loads.length + 1);
        byte[] head = new byte[headers];
        ident(head, 2, 62);
        Bytes.put64(head, 24, entry);
        Bytes.put64(head, 32, 64);
        Bytes.put16(head, 54, 56);
        Bytes.put16(head, 56, loads.length + 1);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int i = 0; i < loads.length; i++) {
            int at = 64 + 56 * i;
            Bytes.put32(head, at, Elf.PT_LOAD);
            Bytes.put64(head, at + 8, headers + body.size());
            Bytes.put64(head, at + 16, loads[i].vaddr);
            Bytes.put64(head, at + 24, loads[i].paddr);
            Bytes.put64(head, at + 32, loads[i].bytes.length);
            Bytes.put64(head, at + 40, loads[i].memoryBytes);
            body.writeBytes(loads[i].bytes);
        }
        int at = 64 + 56 * loads.length;
        Bytes.put32(head, at, Elf.PT_NOTE);
        Bytes.put64(head, at + 8, headers + body.size());
        Bytes.put64(head, at + 32, note.length);
        return concat(head, body.toByteArray(), note);
    }

    static byte[] elf32(long entry, Load... loads) {
        int headers = 52 + 32 * loads.length;
        byte[] head = new byte[headers];
        ident(head, 1, 3);
        Bytes.put32(head, 24, entry);
        Bytes.put32(head, 28, 52);
        Bytes.put16(head, 42, 32);
        Bytes.put16(head, 44, loads.length);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int i = 0; i < loads.length; i++) {
            int at = 52 + 32 * i;
            Bytes.put32(head, at, Elf.PT_LOAD);
            Bytes.put32(head, at + 4, headers + body.size());
            Bytes.put32(head, at + 8, loads[i].vaddr);
            Bytes.put32(head, at + 12, loads[i].paddr);
            Bytes.put32(head, at + 16, loads[i].bytes.length);
            Bytes.put32(head, at + 20, loads[i].memoryBytes);
            body.writeBytes(loads[i].bytes);
        }
        return concat(head, body.toByteArray());
    }

    private static void ident(byte[] head, int elfClass, int machine) {
        Bytes.put32(head, 0, 0x464c_457f);
        head[4] = (byte) elfClass;
        head[5] = 1;
        head[6] = 1;
        Bytes.put16(head, 16, 2);
        Bytes.put16(head, 18, machine);
    }

    /// A note of another kind, then Xen's with the PVH entry point.
    static byte[] pvhNote(long entry) {
        byte[] notes = new byte[20 + 24];
        Bytes.put32(notes, 0, 4);
        Bytes.put32(notes, 4, 2);
        Bytes.put32(notes, 8, 3);
        Bytes.put32(notes, 12, 0x0055_4e47);
        Bytes.put32(notes, 20, 4);
        Bytes.put32(notes, 24, 8);
        Bytes.put32(notes, 28, 18);
        Bytes.put32(notes, 32, 0x006e_6558);
        Bytes.put64(notes, 36, entry);
        return notes;
    }

    /// A bzImage of boot protocol 2.15 with this payload, behind which its unpacked size comes.
    static byte[] bzImage(byte[] payload, int unpackedBytes) {
        byte[] real = new byte[5 * 512];
        real[0x1f1] = 4;
        Bytes.put16(real, 0x1fe, 0xaa55);
        real[0x200] = (byte) 0xeb;
        real[0x201] = 0x6a;
        Bytes.put32(real, 0x202, 0x5372_6448);
        Bytes.put16(real, 0x206, 0x20f);
        real[0x211] = 1;
        Bytes.put32(real, 0x22c, 0x7fff_ffff);
        Bytes.put32(real, 0x238, 255);
        Bytes.put32(real, 0x248, 0x40);
        Bytes.put32(real, 0x24c, payload.length + 4);
        Bytes.put64(real, 0x258, 0x100_0000);
        Bytes.put32(real, 0x260, 0x20_0000);
        byte[] size = new byte[4];
        Bytes.put32(size, 0, unpackedBytes);
        return concat(real, filled(0x40, 0x90), payload, size);
    }
}
