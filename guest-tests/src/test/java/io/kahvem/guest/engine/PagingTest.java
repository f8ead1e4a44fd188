package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.VmExit;
import org.junit.jupiter.api.Timeout;

/// Page tables, their accessed and dirty bits, and page faults.
@Timeout(120)
class PagingTest {
    private static final int CODE = 0x8000;
    private static final int HANDLER = 0xa000;
    private static final long DIRECTORY = States.PML4 + 0x2000;
    private static final int ACCESSED = 0x20;
    private static final int DIRTY = 0x40;

    @OnEveryEngine
    void aStoreMarksItsPageAccessedAndDirty(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0x48, 0xbf).word64(0x20_0000).bytes(0xc6, 0x07, 0x5a) // mov rdi, ...; mov byte [rdi], 5ah
                    .bytes(0x8a, 0x87).word32(0x20_0000).end()); // mov al, [rdi+200000h]
            board.run(States.long64(board.memory(), CODE));
            assertThat(board.memory().read8(0x20_0000)).isEqualTo(0x5a);
            assertThat(board.memory().read64(DIRECTORY + 8) & (ACCESSED | DIRTY)).as("stored to").isEqualTo(ACCESSED | DIRTY);
            assertThat(board.memory().read64(DIRECTORY + 16) & (ACCESSED | DIRTY)).as("loaded from").isEqualTo(ACCESSED);
            assertThat(board.memory().read64(DIRECTORY + 24) & (ACCESSED | DIRTY)).as("not touched").isZero();
        }
    }

    @OnEveryEngine
    void aFaultTellsItsAddressAndTheInstructionIsTakenAgain(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0x48, 0xbb).word64(0x21_2345) // mov rbx, ...
                    .bytes(0x8b, 0x03, 0xe7, 0x12).end()); // mov eax, [rbx]; out 12h, eax
            board.load(new Code(HANDLER)
                    .bytes(0x0f, 0x20, 0xd0, 0xe7, 0x10) // mov rax, cr2; out 10h, eax
                    .bytes(0x58, 0xe7, 0x11) // pop rax; out 11h, eax
                    .bytes(0x48, 0xc7, 0x04, 0x25).word32(DIRECTORY + 8).word32(0x83) // mov qword [directory+8], 83h: a large page at 0
                    .bytes(0x0f, 0x01, 0x3b, 0x48, 0xcf)); // invlpg [rbx]; iretq
            CpuState state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 14, HANDLER);
            board.memory().write64(DIRECTORY + 8, 0);
            board.memory().write32(0x1_2345, 0x600d);
            board.run(state);
            assertThat(board.accesses()).containsExactly("out 10 4 212345", "out 11 4 0", "out 12 4 600d");
        }
    }

    @OnEveryEngine
    void thirtyTwoBitPagesOfFourMegabytes(Engine engine) {
        try (Board board = new Board(engine)) {
            int directory = 0x20_0000;
            board.memory().write32(directory, 0x83);
            board.memory().write32(directory + 4, 0x83); // 4 MiB to 8 MiB: the same memory again
            board.memory().write32(0x5000, 0xcafe);
            board.load(new Code(CODE)
                    .bytes(0xb8).word32(directory).bytes(0x0f, 0x22, 0xd8) // mov eax, ...; mov cr3, eax
                    .bytes(0x0f, 0x20, 0xe0, 0x0c, 0x10, 0x0f, 0x22, 0xe0) // CR4.PSE
                    .bytes(0x0f, 0x20, 0xc0, 0x0d).word32(0x8000_0000L).bytes(0x0f, 0x22, 0xc0) // CR0.PG
                    .bytes(0xa1).word32(0x40_5000).bytes(0xe7, 0x10).end()); // mov eax, [405000h]; out 10h, eax
            runOrSkip(engine, board, CODE + 0x18);
            assertThat(board.accesses()).containsExactly("out 10 4 cafe");
        }
    }

    @OnEveryEngine
    void thirtyTwoBitPagesWithPhysicalAddressExtension(Engine engine) {
        try (Board board = new Board(engine)) {
            int pointers = 0x20_0000;
            board.memory().write64(pointers, pointers + 0x1000 | 1);
            board.memory().write64(pointers + 0x1000, 0x83);
            board.memory().write64(pointers + 0x1008, 0x83); // 2 MiB to 4 MiB: the same memory again
            board.memory().write32(0x5000, 0xbeef);
            board.load(new Code(CODE)
                    .bytes(0xb8).word32(pointers).bytes(0x0f, 0x22, 0xd8)
                    .bytes(0x0f, 0x20, 0xe0, 0x0c, 0x20, 0x0f, 0x22, 0xe0) // CR4.PAE
                    .bytes(0x0f, 0x20, 0xc0, 0x0d).word32(0x8000_0000L).bytes(0x0f, 0x22, 0xc0) // CR0.PG
                    .bytes(0xa1).word32(0x20_5000).bytes(0xe7, 0x10).end()); // mov eax, [205000h]; out 10h, eax
            runOrSkip(engine, board, CODE + 0x18);
            assertThat(board.accesses()).containsExactly("out 10 4 beef");
        }
    }

    /// A KVM without hardware virtualization may fault where paging is turned on outside long mode.
    private static void runOrSkip(Engine engine, Board board, long turnsPagingOn) {
        board.vcpu(0).setState(States.protected32(board.memory(), CODE));
        VmExit exit = board.resume(0);
        if (exit instanceof VmExit.Shutdown && engine.isSoftwareOnly() && board.vcpu(0).state().rip == turnsPagingOn) {
            throw engine.skip("MOV to CR0 that turns paging on in 32-bit mode faults");
        }
        assertThat(exit).isInstanceOf(VmExit.Kicked.class);
    }
}
