package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.VmExit;
import org.junit.jupiter.api.Timeout;

/// Kicks reach a vCPU wherever it is, and lose nothing of what it was doing.
@Timeout(120)
class KickTest {
    private static final int CODE = 0x8000;

    private static void isKickedFromElsewhere(Board board) throws InterruptedException {
        Thread other = Thread.ofPlatform().daemon().start(() -> {
            try {
                board.nextAccess();
                board.vcpu(0).kick();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(board.resume(0)).isInstanceOf(VmExit.Kicked.class);
        other.join();
    }

    @OnEveryEngine
    void aSpinningGuest(Engine engine) throws InterruptedException {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xe6, 0x10, 0xeb, 0xfe)); // out 10h, al; jmp $
            board.vcpu(0).setState(States.real(CODE));
            isKickedFromElsewhere(board);
            assertThat(board.vcpu(0).state().rip).isEqualTo(CODE + 2);
        }
    }

    @OnEveryEngine
    void aSpinningGuestInUserMode(Engine engine) throws InterruptedException {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xe6, 0x10, 0xeb, 0xfe));
            board.vcpu(0).setState(States.user64(board.memory(), CODE));
            isKickedFromElsewhere(board);
            assertThat(board.vcpu(0).state().rip).isEqualTo(CODE + 2);
        }
    }

    @OnEveryEngine
    void aHaltedGuest(Engine engine) throws InterruptedException {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xe6, 0x10, 0xf4)); // out 10h, al; hlt
            board.vcpu(0).setState(States.real(CODE));
            isKickedFromElsewhere(board);
            while (board.vcpu(0).state().rip == CODE + 2) { // the kick came before the HLT
                Thread again = Thread.ofPlatform().daemon().start(board.vcpu(0)::kick);
                assertThat(board.resume(0)).isInstanceOf(VmExit.Kicked.class);
                again.join();
            }
            assertThat(board.vcpu(0).state().rip).isEqualTo(CODE + 3);
            assertThat(board.vcpu(0).state().activity).isEqualTo(CpuState.Activity.HALTED);
        }
    }

    @OnEveryEngine
    void aGuestThatDoesNotRunYet(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xb0, 9).end());
            board.vcpu(0).setState(States.real(CODE));
            board.vcpu(0).kick();
            assertThat(board.resume(0)).isInstanceOf(VmExit.Kicked.class);
            assertThat(board.vcpu(0).state().rip).isEqualTo(CODE);
            assertThat(board.resume()).isEqualTo(9);
        }
    }

    @OnEveryEngine
    void aGuestInTheMiddleOfAnIn(Engine engine) {
        try (Board board = new Board(engine)) {
            board.answering(port -> {
                board.vcpu(0).kick();
                return 0x77;
            });
            board.load(new Code(CODE).bytes(0xe4, 0x20, 0xe6, 0x10).end()); // in al, 20h; out 10h, al
            board.vcpu(0).setState(States.real(CODE));
            assertThat(board.resume(0)).isInstanceOf(VmExit.Kicked.class);
            var state = board.vcpu(0).state();
            assertThat(state.rip).as("the IN is complete").isGreaterThanOrEqualTo(CODE + 2);
            assertThat(state.gpr[0] & 0xff).isEqualTo(0x77);
            board.resume();
            assertThat(board.accesses()).containsExactly("in 20 1", "out 10 1 77");
        }
    }
}
