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
