package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Timeout;

/// Ports and device memory, in every size and by string instructions.
@Timeout(120)
class AccessesTest {
    private static final int CODE = 0x8000;

    @OnEveryEngine
    void portsInEverySize(Engine engine) {
        try (Board board = new Board(engine).answering(port -> 0x8899_aabbL)) {
            board.load(new Code(CODE)
                    .bytes(0xe4, 0x20, 0xe6, 0x21) // in al, 20h; out 21h, al
                    .bytes(0xe5, 0x20, 0xe7, 0x22) // in ax, 20h; out 22h, ax
                    .bytes(0x66, 0xe5, 0x20, 0x66, 0xe7, 0x23) // in eax, 20h; out 23h, eax
                    .bytes(0xba).word16(0xcfc).bytes(0xec, 0xee).end()); // mov dx, cfch; in al, dx; out dx, al
            board.run(States.real(CODE));
            assertThat(board.accesses()).containsExactly(
                    "in 20 1", "out 21 1 bb", "in 20 2", "out 22 2 aabb", "in 20 4", "out 23 4 8899aabb", "in cfc 1", "out cfc 1 bb");
        }
    }

    @OnEveryEngine
    void stringsOfPortAccesses(Engine engine) {
        int[] next = {0x10};
        try (Board board = new Board(engine).answering(port -> next[0]++)) {
            board.memory().write(0x500, "abc".getBytes(StandardCharsets.US_ASCII));
            board.load(new Code(CODE)
                    .bytes(0xfc, 0xbe).word16(0x500).bytes(0xb9).word16(3) // cld; mov si, 500h; mov cx, 3
                    .bytes(0xba).word16(0x30) // mov dx, 30h
                    .bytes(0xf3, 0x6e) // rep outsb
                    .bytes(0xbf).word16(0x600).bytes(0xb9).word16(4).bytes(0xf3, 0x6c) // mov di, 600h; mov cx, 4; rep insb
                    .bytes(0x89, 0xf8, 0xe7, 0x31).end()); // mov ax, di; out 31h, ax
            board.run(States.real(CODE));
            assertThat(board.accesses()).startsWith("out 30 1 61", "out 30 1 62", "out 30 1 63").endsWith("out 31 2 604");
            assertThat(board.memory().read32(0x600)).isEqualTo(0x1312_1110);
        }
    }

    @OnEveryEngine
    void deviceMemoryInEverySize(Engine engine) {
        try (Board board = new Board(engine).answering(address -> 0x1122_3344_5566_7788L)) {
            board.load(new Code(CODE)
                    .bytes(0x48, 0xbf).word64(Board.DEVICE) // mov rdi, ...
                    .bytes(0x48, 0xb8).word64(0x0102_0304_0506_0708L) // mov rax, ...
                    .bytes(0x88, 0x07, 0x66, 0x89, 0x47, 0x02, 0x89, 0x47, 0x04, 0x48, 0x89, 0x47, 0x08) // mov [rdi], al ... [rdi+8], rax
                    .bytes(0x8a, 0x07, 0xe6, 0x10) // mov al, [rdi]; out 10h, al
                    .bytes(0x66, 0x8b, 0x07, 0x66, 0xe7, 0x10, 0x8b, 0x07, 0xe7, 0x10) // the same with ax and eax
                    .bytes(0x48, 0x8b, 0x07, 0x48, 0xc1, 0xe8, 0x20, 0xe7, 0x10).end()); // mov rax, [rdi]; shr rax, 32; out 10h, eax
            board.run(States.long64(board.memory(), CODE));
            assertThat(board.accesses()).containsExactly(
                    "write d0000000 1 8", "write d0000002 2 708", "write d0000004 4 5060708", "write d0000008 8 102030405060708",
                    "read d0000000 1", "out 10 1 88", "read d0000000 2", "out 10 2 7788", "read d0000000 4", "out 10 4 55667788",
                    "read d0000000 8", "out 10 4 11223344");
        }
    }

    @OnEveryEngine
    void readAndWriteInOneInstruction(Engine engine) {
        try (Board board = new Board(engine).answering(address -> 0x40)) {
            board.load(new Code(CODE).bytes(0xbf).word32(Board.DEVICE).bytes(0x83, 0x07, 0x02).end()); // mov edi, ...; add dword [edi], 2
            board.run(States.protected32(board.memory(), CODE));
            assertThat(board.accesses()).containsExactly("read d0000000 4", "write d0000000 4 42");
        }
    }

    @OnEveryEngine
    void readOnlyMemoryIsReadAndKeepsItsContent(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0xbf).word32(Board.ROM) // mov edi, ...
                    .bytes(0x8b, 0x07, 0x40, 0x89, 0x07) // mov eax, [edi]; inc eax; mov [edi], eax
                    .bytes(0x8b, 0x07, 0xe7, 0x10).end()); // mov eax, [edi]; out 10h, eax
            board.run(States.protected32(board.memory(), CODE));
            assertThat(board.accesses()).contains("out 10 4 0");
            assertThat(board.memory().read32(Board.ROM)).isZero();
        }
    }
}
