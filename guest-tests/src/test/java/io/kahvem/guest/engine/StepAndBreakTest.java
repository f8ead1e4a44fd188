package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.VmOptions.Translation;
import io.kahvem.memory.GuestMemory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The guest's own single steps and breakpoints (SDM Vol. 3B, 18.2 and 18.3) in a loop that has run often, and without them again.
@Timeout(120)
class StepAndBreakTest {
    private static final int CODE = 0x10000;
    private static final int HANDLER = 0x12000;
    private static final int TRAPS = 0x20_0000;
    private static final int DATA = 0x20_0100;
    private static final int OFTEN = 5_000;

    private static Board board(Translation when) {
        Board board = new Board(Engine.named("jvm").translating(when));
        // inc dword [TRAPS]; or dword [rsp + 16], RF; iretq
        board.load(new Code(HANDLER).bytes(0xff, 0x04, 0x25).word32(TRAPS).bytes(0x81, 0x4c, 0x24, 16).word32(0x1_0000).bytes(0x48, 0xcf));
        return board;
    }

    /// mov eax, value; mov DRn, rax
    private static Code debugRegister(Code code, int n, long value) {
        return code.bytes(0xb8).word32(value).bytes(0x0f, 0x23, 0xc0 | n << 3);
    }

    private static void run(Board board, Code code, int traps, int rounds) {
        GuestMemory memory = board.memory();
        var state = States.long64(memory, CODE);
        States.gate64(memory, 1, HANDLER);
        board.load(code.end()).run(state);
        assertThat(memory.read32(TRAPS)).as("traps").isEqualTo(traps);
        assertThat(memory.read32(DATA)).as("rounds").isEqualTo(rounds);
    }

    /// loop: inc dword [DATA]; nop; dec ecx; jnz loop; ret
    private static Code withLoop(Code code) {
        return code.bytes(0xeb).to8("start")
                .label("loop").bytes(0xff, 0x04, 0x25).word32(DATA).label("nop").bytes(0x90, 0xff, 0xc9, 0x75).to8("loop").bytes(0xc3)
                .label("start");
    }

    /// mov ecx, times; call loop
    private static Code callLoop(Code code, int times) {
        return code.bytes(0xb9).word32(times).bytes(0xe8).to32("loop");
    }

    @ParameterizedTest
    @EnumSource
    void anInstructionBreakpoint(Translation when) {
        try (Board board = board(when)) {
            Code code = callLoop(withLoop(new Code(CODE)), OFTEN);
            debugRegister(code, 0, code.addressOf("nop"));
            callLoop(debugRegister(code, 7, 1), 100);
            callLoop(debugRegister(code, 7, 0), OFTEN);
            run(board, code, 100, 2 * OFTEN + 100);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aDataBreakpoint(Translation when) {
        try (Board board = board(when)) {
            Code code = debugRegister(callLoop(withLoop(new Code(CODE)), OFTEN), 1, DATA);
            callLoop(debugRegister(code, 7, 0xd0_0004), 100); // enabled, writes, 4 bytes
            callLoop(debugRegister(code, 7, 0), OFTEN);
            run(board, code, 100, 2 * OFTEN + 100);
        }
    }

    @ParameterizedTest
    @EnumSource
    void singleSteps(Translation when) {
        try (Board board = board(when)) {
            Code code = callLoop(withLoop(new Code(CODE)), OFTEN);
            code.bytes(0x9c, 0x81, 0x0c, 0x24).word32(0x100).bytes(0x9d); // pushf; or dword [rsp], TF; popf
            callLoop(code, 10); // mov, call, 10 times 4, ret
            code.bytes(0x9c, 0x81, 0x24, 0x24).word32(~0x100).bytes(0x9d); // pushf; and; popf, which is the last that is stepped
            callLoop(code, OFTEN);
            run(board, code, 2 + 10 * 4 + 1 + 3, 2 * OFTEN + 10);
        }
    }
}
