package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.DebugControl;
import io.kahvem.hypervisor.VmExit;
import java.util.List;
import org.junit.jupiter.api.Timeout;

/// Single step and breakpoints of a debugger, which the guest does not see.
@Timeout(120)
class DebugTest {
    private static final int CODE = 0x8000;
    private static final long BS = 1 << 14;
    private static final DebugControl SINGLE_STEP = new DebugControl(true, false, List.of());

    /// Two bytes, one byte, then OUT and the end.
    private static Code code() {
        return new Code(CODE).bytes(0xb0, 5, 0x90).out8(0x10).end(); // mov al, 5; nop; out 10h, al
    }

    private static void stopsAt(Board board, long rip, long reason) {
        stopsAt(board, board.resume(0), rip, reason);
    }

    private static void stopsAt(Board board, VmExit exit, long rip, long reason) {
        assertThat(exit).isInstanceOfSatisfying(VmExit.Debug.class, stop -> {
            assertThat(stop.rip()).isEqualTo(rip);
            assertThat(stop.dr6() & 0xe00f).as("DR6").isEqualTo(reason);
        });
        assertThat(board.vcpu(0).state().rip).isEqualTo(rip);
    }

    private static void stepsThrough(Engine engine, Board board, CpuState state) {
        board.load(code()).vcpu(0).setState(state);
        assertThat(board.vcpu(0).setDebug(SINGLE_STEP)).isTrue();
        stopsAt(board, firstExit(engine, board), CODE + 2, BS);
        stopsAt(board, CODE + 3, BS);
        assertThat(board.accesses()).isEmpty();
        stopsAt(board, CODE + 5, BS);
        assertThat(board.accesses()).containsExactly("out 10 1 5");
        assertThat(board.vcpu(0).state().rflags & 1 << 8).as("the guest's TF").isZero();
        board.vcpu(0).setDebug(DebugControl.OFF);
        assertThat(board.resume()).isEqualTo(5);
    }

    /// Without hardware virtualization, user code runs natively and the #DB or #BP for the debugger may end up in the guest.
    private static VmExit firstExit(Engine engine, Board board) {
        VmExit exit = board.resume(0);
        if (engine.isSoftwareOnly() && exit instanceof VmExit.Shutdown) {
            throw engine.skip("this KVM gives a debugger's exception to the guest");
        }
        return exit;
    }

    @OnEveryEngine
    void aSingleStepStopsAfterEachInstructionInRealMode(Engine engine) {
        try (Board board = new Board(engine)) {
            stepsThrough(engine, board, States.real(CODE));
        }
    }

    @OnEveryEngine
    void aSingleStepStopsAfterEachInstructionInProtectedMode(Engine engine) {
        try (Board board = new Board(engine)) {
            stepsThrough(engine, board, States.protected32(board.memory(), CODE));
        }
    }

    @OnEveryEngine
    void aSingleStepStopsAfterEachInstructionInLongMode(Engine engine) {
        try (Board board = new Board(engine)) {
            stepsThrough(engine, board, States.long64(board.memory(), CODE));
        }
    }

    @OnEveryEngine
    void aSingleStepStopsAfterEachInstructionInUserMode(Engine engine) {
        try (Board board = new Board(engine)) {
            stepsThrough(engine, board, States.user64(board.memory(), CODE));
        }
    }

    @OnEveryEngine
    void aBreakpointStopsBeforeItsInstructionUntilItIsTakenAway(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(code()).vcpu(0).setState(States.long64(board.memory(), CODE));
            board.vcpu(0).setDebug(new DebugControl(false, false, List.of(0x1234L, CODE + 3L)));
            VmExit exit = board.resume(0);
            if (engine.isSoftwareOnly() && exit instanceof VmExit.Kicked) throw engine.skip("this KVM passes breakpoints");
            assertThat(exit).isInstanceOfSatisfying(VmExit.Debug.class, at -> {
                assertThat(at.rip()).isEqualTo(CODE + 3);
                assertThat(at.dr6() & 0xf).as("the second").isEqualTo(2);
            });
            stopsAt(board, CODE + 3, 2);
            assertThat(board.accesses()).isEmpty();
            board.vcpu(0).setDebug(DebugControl.OFF);
            assertThat(board.resume()).isEqualTo(5);
        }
    }

    @OnEveryEngine
    void int3StopsBeforeItIsExecuted(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xb0, 5, 0xcc, 0xb0, 6).end()).vcpu(0).setState(States.user64(board.memory(), CODE));
            board.vcpu(0).setDebug(new DebugControl(false, true, List.of()));
            stopsAt(board, firstExit(engine, board), CODE + 2, 0);
            board.memory().write8(CODE + 2, 0x90);
            assertThat(board.resume()).isEqualTo(6);
        }
    }

    @OnEveryEngine
    void whatIsSteppedIsWhatRuns(Engine engine) {
        try (Board board = new Board(engine)) {
            // A loop that has been run, and maybe translated, is stepped from its start.
            board.load(new Code(CODE).bytes(0xb9).word32(20_000).bytes(0x31, 0xc0) // mov ecx, 20000; xor eax, eax
                    .label("next").bytes(0xff, 0xc0, 0xff, 0xc9, 0x75).to8("next").end()); // inc eax; dec ecx; jnz
            CpuState state = States.long64(board.memory(), CODE);
            assertThat(board.run(state)).isEqualTo(20_000 & 0xff);
            board.vcpu(0).setState(state);
            board.vcpu(0).setDebug(SINGLE_STEP);
            for (int instruction = 0; instruction < 2 + 3 * 5; instruction++) {
                assertThat(board.resume(0)).isInstanceOf(VmExit.Debug.class);
            }
            assertThat(board.vcpu(0).state().gpr[0]).as("five rounds").isEqualTo(5);
            assertThat(board.vcpu(0).state().rip).isEqualTo(CODE + 7);
        }
    }
}
