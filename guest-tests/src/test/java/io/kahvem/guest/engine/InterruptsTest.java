package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Timeout;

/// Interrupts from every source, and what the local APIC does with them.
@Timeout(120)
class InterruptsTest {
    private static final int CODE = 0x8000;
    private static final int HANDLER = 0xa000;
    private static final int APIC = 0xfee0_0000;
    private static final long MSI = 0xfee0_0000L;
    private static final int LEVEL = 1 << 15 | 1 << 14;

    /// 64-bit code: enables the APIC, then `sti`, says 1 to port 10h and halts for ever.
    private static Code waiting() {
        return apicWrite(new Code(CODE), 0xf0, 0x1ff).bytes(0xfb, 0xb0, 1, 0xe6, 0x10).label("halt").bytes(0xf4, 0xeb).to8("halt");
    }

    /// mov edi, APIC + register; mov dword [rdi], value
    private static Code apicWrite(Code code, int register, int value) {
        return code.bytes(0xbf).word32(APIC + register).bytes(0xc7, 0x07).word32(value);
    }

    private static Thread afterTheFirstAccess(Board board, Runnable then) {
        return Thread.ofPlatform().daemon().start(() -> {
            try {
                board.nextAccess();
                then.run();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    @OnEveryEngine
    void softwareInterruptsInRealMode(Engine engine) {
        try (Board board = new Board(engine)) {
            States.vectorReal(board.memory(), 0x21, HANDLER);
            board.load(new Code(CODE).bytes(0xcd, 0x21, 0xb0, 2).end()); // int 21h; mov al, 2
            board.load(new Code(HANDLER).bytes(0xb0, 1, 0xe6, 0x10, 0xcf)); // mov al, 1; out 10h, al; iret
            assertThat(board.run(States.real(CODE))).isEqualTo(2);
            assertThat(board.accesses()).containsExactly("out 10 1 1");
        }
    }

    @OnEveryEngine
    void thePairOf8259sInterruptsAProcessorThatBecomesReady(Engine engine) {
        try (Board board = new Board(engine)) {
            board.acknowledging(0x30, () -> board.vm().setIntr(false));
            board.vm().setIntr(true);
            States.vectorReal(board.memory(), 0x30, HANDLER);
            board.load(new Code(CODE).bytes(0xb0, 1, 0xe6, 0x10, 0xfb).label("halt").bytes(0xf4, 0xeb).to8("halt"));
            board.load(new Code(HANDLER).bytes(0xb0, 2).end());
            assertThat(board.run(States.real(CODE))).isEqualTo(2);
            assertThat(board.accesses()).as("before STI").containsExactly("out 10 1 1");
        }
    }

    @OnEveryEngine
    void thePairOf8259sWakesAHaltedProcessor(Engine engine) throws InterruptedException {
        try (Board board = new Board(engine)) {
            board.acknowledging(0x30, () -> board.vm().setIntr(false));
            States.vectorReal(board.memory(), 0x30, HANDLER);
            board.load(new Code(CODE).bytes(0xfb, 0xb0, 1, 0xe6, 0x10).label("halt").bytes(0xf4, 0xeb).to8("halt"));
            board.load(new Code(HANDLER).bytes(0xb0, 2).end());
            Thread other = afterTheFirstAccess(board, () -> board.vm().setIntr(true));
            assertThat(board.run(States.real(CODE))).isEqualTo(2);
            other.join();
        }
    }

    @OnEveryEngine
    void aMessageInterruptsAHaltedProcessor(Engine engine) throws InterruptedException {
        try (Board board = new Board(engine)) {
            board.load(waiting());
            board.load(apicWrite(new Code(HANDLER), 0xb0, 0).bytes(0xb0, 3).end());
            var state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 0x41, HANDLER);
            Thread other = afterTheFirstAccess(board, () -> board.vm().sendMsi(MSI, 0x41));
            assertThat(board.run(state)).isEqualTo(3);
            other.join();
            assertThat(board.endsOfInterrupt()).as("of an edge").doesNotContain(0x41);
        }
    }

    @OnEveryEngine
    void theEndOfALevelTriggeredInterruptIsTold(Engine engine) throws InterruptedException {
        try (Board board = new Board(engine)) {
            board.load(waiting());
            // OUT, because a KVM that emulates tells the end when the next instruction makes it exit.
            board.endingAtEndOfInterrupt()
                    .load(apicWrite(new Code(HANDLER), 0xb0, 0).bytes(0xe6, 0x11).label("wait").bytes(0xf4, 0xeb).to8("wait"));
            var state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 0x42, HANDLER);
            Thread other = afterTheFirstAccess(board, () -> board.vm().sendMsi(MSI, LEVEL | 0x42));
            assertThat(board.run(state)).isEqualTo(0x42);
            other.join();
            assertThat(board.endsOfInterrupt()).containsExactly(0x42);
        }
    }

    @OnEveryEngine
    void anNmiComesByLint1(Engine engine) throws InterruptedException {
        try (Board board = new Board(engine)) {
            Code code = apicWrite(apicWrite(new Code(CODE), 0xf0, 0x1ff), 0x360, 0x400);
            // Interrupts are off: it comes all the same.
            board.load(code.bytes(0xb0, 1, 0xe6, 0x10).label("halt").bytes(0xf4, 0xeb).to8("halt"));
            board.load(new Code(HANDLER).bytes(0xb0, 4).end());
            var state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 2, HANDLER);
            Thread other = afterTheFirstAccess(board, () -> board.vm().injectNmi());
            assertThat(board.run(state)).isEqualTo(4);
            other.join();
            assertThat(board.vcpu(0).state().nmiBlocked).isTrue();
        }
    }

    @OnEveryEngine
    void theApicsTimerInterrupts(Engine engine) {
        try (Board board = new Board(engine)) {
            Code code = apicWrite(apicWrite(apicWrite(new Code(CODE), 0xf0, 0x1ff), 0x3e0, 0xb), 0x320, 0x44);
            apicWrite(code, 0x380, 10_000).bytes(0xfb).label("halt").bytes(0xf4, 0xeb).to8("halt");
            board.load(code).load(new Code(HANDLER).bytes(0xb0, 5).end());
            var state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 0x44, HANDLER);
            assertThat(board.run(state)).isEqualTo(5);
        }
    }

    @OnEveryEngine
    void cr8HoldsOffWhatIsNotAboveIt(Engine engine) {
        try (Board board = new Board(engine)) {
            Code code = apicWrite(new Code(CODE), 0xf0, 0x1ff).bytes(0xb8).word32(4).bytes(0x44, 0x0f, 0x22, 0xc0, 0xfb); // mov cr8, 4; sti
            apicWrite(code, 0x300, 0x4_0045).bytes(0xb0, 1, 0xe6, 0x10); // to itself, vector 45H; out 10h, 1
            code.bytes(0xbf).word32(APIC + 0x80).bytes(0x8b, 0x07, 0xe7, 0x11); // mov eax, the TPR; out 11h, eax
            code.bytes(0x31, 0xc0, 0x44, 0x0f, 0x22, 0xc0).label("halt").bytes(0xf4, 0xeb).to8("halt"); // mov cr8, 0
            board.load(code).load(new Code(HANDLER).bytes(0xb0, 7).end());
            var state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 0x45, HANDLER);
            assertThat(board.run(state)).isEqualTo(7);
            assertThat(board.accesses()).containsExactly("out 10 1 1", "out 11 4 40");
        }
    }

    @OnEveryEngine
    void anExceptionReachesItsHandlerAndReturns(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0x0f, 0x0b, 0xb0, 6).end()); // ud2; mov al, 6
            board.load(new Code(HANDLER)
                    .bytes(0xb0, 1, 0xe6, 0x10, 0x48, 0x83, 0x04, 0x24, 0x02, 0x48, 0xcf)); // ...; add qword [rsp], 2; iretq
            var state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 6, HANDLER);
            assertThat(board.run(state)).isEqualTo(6);
            assertThat(board.accesses()).containsExactly("out 10 1 1");
        }
    }
}
