package io.kahvem.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// A Multiboot 1 kernel of a few instructions, assembled by hand. It runs in 32-bit protected mode without paging, at 1 MiB.
final class Payload {
    private static final int HEADER_MAGIC = 0x1bad_b002;
    private static final int HAS_ADDRESSES = 1 << 16;
    private static final int HEADER_BYTES = 32;
    private static final int BASE = 0x10_0000;
    /// Memory that no part of the payload is loaded to: it keeps its value over a reset.
    private static final int COUNTER = 0x20_0000;

    /// The linear address of segment FFFFH.
    private static final int REAL_BASE = 0xf_fff0;

    private final ByteArrayOutputStream code = new ByteArrayOutputStream();

    Payload print(String text) {
        code(0x66, 0xba, 0xf8, 0x03); // mov dx, 3f8h
        for (byte letter : text.getBytes(StandardCharsets.US_ASCII)) code(0xb0, letter, 0xee); // mov al, letter; out dx, al
        return this;
    }

    /// Writes to isa-debug-exit.
    Payload debugExit(int value) {
        return code(0xb0, value, 0xe6, 0xf4); // mov al, value; out f4h, al
    }

    /// An exception with an interrupt descriptor table that has room for none.
    Payload tripleFault() {
        int descriptor = BASE + HEADER_BYTES + code.size() + 2;
        code(0xeb, 0x06, 0, 0, 0, 0, 0, 0); // jmp over limit and base
        return code(0x0f, 0x01, 0x1d).address(descriptor).code(0x0f, 0x0b); // lidt [descriptor]; ud2
    }

    /// By the keyboard controller.
    Payload resetByKeyboardController() {
        return code(0xb0, 0xfe, 0xe6, 0x64); // mov al, feh; out 64h, al
    }

    /// By the chipset's reset control register.
    Payload resetByResetControl() {
        return code(0x66, 0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee); // mov dx, cf9h; mov al, 6; out dx, al
    }

    /// What follows runs the first time only; at later boots `then` happens instead.
    Payload butAtTheSecondBoot(Payload then) {
        code(0xff, 0x05).address(COUNTER); // inc dword [COUNTER]
        code(0x83, 0x3d).address(COUNTER).code(1); // cmp dword [COUNTER], 1
        code(0x74, then.code.size()); // je past `then`
        code.writeBytes(then.code.toByteArray());
        return this;
    }

    /// What follows runs in 64-bit mode: only [#debugExit] and [#haltForEver] mean the same there.
    Payload inLongMode() {
        int tables = 0x30_0000;
        store(tables, tables + 0x1003).store(tables + 0x1000, tables + 0x2003).store(tables + 0x2000, 0x83); // 2 MiB mapped to themselves
        code(0xb8).address(tables).code(0x0f, 0x22, 0xd8); // mov cr3, tables
        code(0x0f, 0x20, 0xe0, 0x0c, 0x20, 0x0f, 0x22, 0xe0); // CR4.PAE
        code(0xb9).address(0xc000_0080).code(0x0f, 0x32, 0x0d).address(0x100).code(0x0f, 0x30); // EFER.LME
        descriptors();
        code(0x0f, 0x20, 0xc0, 0x0d).address(0x8000_0000).code(0x0f, 0x22, 0xc0); // CR0.PG
        return code(0xea).address(here() + 6).code(0x08, 0x00); // jmp far to 64-bit code
    }

    /// What follows runs in real mode, at FFFF:0010 and up: only [#debugExit] and [#haltForEver] mean the same there.
    Payload inRealMode() {
        descriptors();
        code(0xea).address(here() + 6 - REAL_BASE).code(0x10, 0x00); // jmp far to 16-bit code
        code(0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0); // CR0.PE off
        int offset = here() + 5 - REAL_BASE;
        return code(0xea, offset, offset >> 8, 0xff, 0xff); // jmp far FFFF:offset
    }

    /// lgdt; descriptors 08 of 64-bit code, 10 of 16-bit code at [#REAL_BASE].
    private Payload descriptors() {
        int table = here() + 7 + 2; // past lgdt and jmp
        code(0x0f, 0x01, 0x15).address(table + 24).code(0xeb, 30);
        address(0).address(0).address(0xffff).address(0x00af_9b00).address(0xfff0_ffff).address(0x0000_9b0f);
        return code(23, 0).address(table);
    }

    private Payload store(int gpa, int value) {
        return code(0xc7, 0x05).address(gpa).address(value); // mov dword [gpa], value
    }

    private int here() {
        return BASE + HEADER_BYTES + code.size();
    }

    /// An x87 instruction, which a KVM without hardware virtualization cannot emulate outside of user mode.
    Payload waitForX87() {
        return code(0x9b); // fwait
    }

    Payload haltForEver() {
        return code(0xfa, 0xf4, 0xeb, 0xfd); // cli; hlt; jmp to hlt
    }

    Payload spinForEver() {
        return code(0xeb, 0xfe); // jmp to itself
    }

    private Payload code(int... bytes) {
        for (int b : bytes) code.write(b);
        return this;
    }

    private Payload address(int value) {
        code.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
        return this;
    }

    Path in(Path directory) {
        ByteBuffer file = ByteBuffer.allocate(HEADER_BYTES + code.size()).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(HEADER_MAGIC).putInt(HAS_ADDRESSES).putInt(-(HEADER_MAGIC + HAS_ADDRESSES));
        file.putInt(BASE).putInt(BASE).putInt(0).putInt(0).putInt(BASE + HEADER_BYTES); // header, load, load end, bss end, entry
        file.put(code.toByteArray());
        try {
            return Files.write(directory.resolve("payload"), file.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
