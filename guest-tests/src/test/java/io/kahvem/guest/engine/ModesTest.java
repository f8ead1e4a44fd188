package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.DescriptorTable;
import io.kahvem.hypervisor.VmExit;
import org.junit.jupiter.api.Timeout;

/// Every mode of the processor, entered by its state and by the guest itself.
@Timeout(120)
class ModesTest {
    private static final int CODE = 0x8000;

    @OnEveryEngine
    void realMode(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0xb9).word16(100).bytes(0x31, 0xc0) // mov cx, 100; xor ax, ax
                    .label("next").bytes(0x01, 0xc8, 0xe2).to8("next") // add ax, cx; loop next
                    .bytes(0xe7, 0x10, 0xb0, 7).end()); // out 10h, ax; mov al, 7
            assertThat(board.run(States.real(CODE))).isEqualTo(7);
            assertThat(board.accesses()).containsExactly("out 10 2 13ba");
        }
    }

    @OnEveryEngine
    void protectedMode(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0xb9).word32(1000).bytes(0x31, 0xc0)
                    .label("next").bytes(0x01, 0xc8, 0xe2).to8("next")
                    .bytes(0xe7, 0x10).end());
            board.run(States.protected32(board.memory(), CODE));
            assertThat(board.accesses()).containsExactly("out 10 4 7a314");
        }
    }

    @OnEveryEngine
    void longMode(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0x48, 0xb8).word64(0x1234_5678_9abc_def0L) // mov rax, ...
                    .bytes(0x49, 0x89, 0xc7, 0x4d, 0x01, 0xff) // mov r15, rax; add r15, r15
                    .bytes(0x4c, 0x89, 0xf8, 0x48, 0xc1, 0xe8, 0x20) // mov rax, r15; shr rax, 32
                    .bytes(0xe7, 0x10).end());
            board.run(States.long64(board.memory(), CODE));
            assertThat(board.accesses()).containsExactly("out 10 4 2468acf1");
        }
    }

    @OnEveryEngine
    void userModeWithVectorsAndX87(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0xb8).word32(2) // mov eax, 2
                    .bytes(0xf2, 0x0f, 0x2a, 0xc0, 0xf2, 0x0f, 0x51, 0xc0) // cvtsi2sd xmm0, eax; sqrtsd xmm0, xmm0
                    .bytes(0x66, 0x48, 0x0f, 0x7e, 0xc0, 0x48, 0xc1, 0xe8, 0x20, 0xe7, 0x10) // movq rax, xmm0; shr rax, 32; out 10h, eax
                    .bytes(0x48, 0xbf).word64(0x20_0000) // mov rdi, ...
                    .bytes(0xdb, 0xe3, 0xd9, 0xeb, 0xdd, 0x1f) // fninit; fldpi; fstp qword [rdi]
                    .bytes(0x8b, 0x47, 0x04, 0xe7, 0x10).end()); // mov eax, [rdi+4]; out 10h, eax
            board.run(States.user64(board.memory(), CODE));
            assertThat(board.accesses()).containsExactly("out 10 4 3ff6a09e", "out 10 4 400921fb");
        }
    }

    @OnEveryEngine
    void fromRealThroughProtectedToLongMode(Engine engine) {
        try (Board board = new Board(engine)) {
            States.long64(board.memory(), 0); // for its tables
            board.load(new Code(CODE)
                    .bytes(0x0f, 0x01, 0x16).address16("gdtr") // lgdt [gdtr]
                    .bytes(0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0) // mov eax, cr0; or al, 1; mov cr0, eax
                    .bytes(0x66, 0xea).address32("protected").word16(States.CODE32) // jmp far
                    .label("gdtr").word16(0x3f).word32(States.GDT)
                    .label("protected")
                    .bytes(0x66, 0xb8).word16(States.DATA).bytes(0x8e, 0xd8) // mov ax, data; mov ds, ax
                    .bytes(0xb8).word32(0x3232).bytes(0xe7, 0x10) // mov eax, ...; out 10h, eax
                    .bytes(0x0f, 0x20, 0xe0, 0x0c, 0x20, 0x0f, 0x22, 0xe0) // CR4.PAE
                    .bytes(0xb8).word32(States.PML4).bytes(0x0f, 0x22, 0xd8) // mov cr3, eax
                    .bytes(0xb9).word32(0xc000_0080L).bytes(0x0f, 0x32, 0x0d).word32(0x100).bytes(0x0f, 0x30) // EFER.LME
                    .bytes(0x0f, 0x20, 0xc0, 0x0d).word32(0x8000_0000L).bytes(0x0f, 0x22, 0xc0) // CR0.PG
                    .bytes(0xea).address32("long").word16(States.CODE64)
                    .label("long")
                    .bytes(0x48, 0xb8).word64(0x6464_0000_0000L).bytes(0x48, 0xc1, 0xe8, 0x20, 0xe7, 0x10).end());
            board.run(States.real(CODE));
            assertThat(board.accesses()).containsExactly("out 10 4 3232", "out 10 4 6464");
            CpuState state = board.vcpu(0).state();
            assertThat(state.msrs.getOrDefault(0xc000_0080, 0L) & 0x500).as("EFER.LME and LMA").isEqualTo(0x500);
            assertThat(state.segments[CpuState.CS].attributes() & 0x2000).as("CS.L").isNotZero();
        }
    }

    @OnEveryEngine
    void aTripleFaultShutsTheProcessorDown(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0x0f, 0x0b)); // ud2
            CpuState state = States.protected32(board.memory(), CODE);
            state.idtr = new DescriptorTable(0, 0);
            board.vcpu(0).setState(state);
            assertThat(board.resume(0)).isInstanceOf(VmExit.Shutdown.class);
        }
    }

    @OnEveryEngine
    void aProcessorThatWasShutDownRunsAgainFromANewState(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0x0f, 0x0b, 0xb0, 5).end());
            CpuState dying = States.protected32(board.memory(), CODE);
            dying.idtr = new DescriptorTable(0, 0);
            board.vcpu(0).setState(dying);
            assertThat(board.resume(0)).isInstanceOf(VmExit.Shutdown.class);
            assertThat(board.run(States.real(CODE + 2))).isEqualTo(5);
        }
    }
}
