package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Timeout;

/// INIT, SIPI and what processors do together.
@Timeout(120)
class SeveralProcessorsTest {
    private static final int CODE = 0x8000;
    private static final int START = 0x6000;
    private static final int FLAG = 0x500;
    private static final int APIC = 0xfee0_0000;

    @OnEveryEngine
    void theFirstStartsTheSecond(Engine engine) throws Exception {
        try (Board board = new Board(engine, 2)) {
            board.load(new Code(START)
                    .bytes(0x8c, 0xc8, 0xe7, 0x11) // mov ax, cs; out 11h, ax
                    .bytes(0x31, 0xc0, 0x8e, 0xd8) // xor ax, ax; mov ds, ax
                    .bytes(0xc6, 0x06).word16(FLAG).bytes(0x77) // mov byte [FLAG], 77h
                    .label("halt").bytes(0xfa, 0xf4, 0xeb).to8("halt"));
            Code code = new Code(CODE);
            apicWrite(code, 0xf0, 0x1ff);
            apicWrite(code, 0x310, 1 << 24);
            apicWrite(code, 0x300, 0x4500); // INIT
            apicWrite(code, 0x300, 0x4600 | START >> 12); // SIPI
            board.load(code
                    .label("wait").bytes(0xf3, 0x90) // pause
                    .bytes(0x80, 0x3d).word32(FLAG).bytes(0x77, 0x75).to8("wait") // cmp byte [FLAG], 77h; jne
                    .bytes(0xb0, 8).end());
            CpuState waiting = new CpuState();
            waiting.activity = CpuState.Activity.WAIT_FOR_SIPI;
            board.vcpu(1).setState(waiting);
            FutureTask<Object> second = new FutureTask<>(() -> board.resume(1));
            Thread.ofPlatform().daemon().start(second);
            assertThat(board.run(States.protected32(board.memory(), CODE))).isEqualTo(8);
            second.get();
            assertThat(board.accesses()).containsExactly("out 11 2 600");
            assertThat(board.vcpu(1).state().activity).isNotEqualTo(CpuState.Activity.WAIT_FOR_SIPI);
        }
    }

    @OnEveryEngine
    void oneThatWasNotStartedWaits(Engine engine) throws Exception {
        try (Board board = new Board(engine, 2)) {
            CpuState waiting = new CpuState();
            waiting.activity = CpuState.Activity.WAIT_FOR_SIPI;
            board.vcpu(1).setState(waiting);
            FutureTask<Object> second = new FutureTask<>(() -> board.resume(1));
            Thread.ofPlatform().daemon().start(second);
            board.load(new Code(CODE).bytes(0xb0, 1).end());
            board.run(States.real(CODE));
            second.get();
            assertThat(board.vcpu(1).state().activity).isEqualTo(CpuState.Activity.WAIT_FOR_SIPI);
        }
    }

    private static void apicWrite(Code code, int register, int value) {
        code.bytes(0xc7, 0x05).word32(APIC + register).word32(value); // mov dword [...], value
    }
}
