package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.memory.GuestMemory;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Timeout;

/// Code that is written after it has run often: by itself, by another processor, by a device, or through the page tables. What runs is what
/// is there.
@Timeout(120)
class ModifiedCodeTest {
    private static final int CODE = 0x10000;
    private static final int OFTEN = 5_000;
    private static final int FUNCTION = 0x2_0000;
    private static final int OTHER = 0x3_0000;
    private static final int FLAG = 0x20_0000;
    private static final int OUTPUT = 0x10;
    private static final int WRITES = 0x11;

    /// Linear pages outside RAM, so that nothing but their page table gives them a meaning.
    private static final int LINEAR = 0x4000_0000;

    private static final int PAGE_TABLE = 0x18_0000;

    private static Code calls(Code code, String name, int times, int address) {
        return code.bytes(0xb9).word32(times).bytes(0xbf).word32(address) // mov ecx, times; mov edi, address
                .label(name).bytes(0xff, 0xd7, 0xff, 0xc9, 0x75).to8(name); // call rdi; dec ecx; jnz
    }

    private static void function(GuestMemory memory, int at, int value) {
        memory.write(at, new Code(at).bytes(0xb0, value, 0xc3).assembled()); // mov al, value; ret
    }

    @OnEveryEngine
    void aLoopThatChangesItselfInEachRound(Engine engine) {
        try (Board board = new Board(engine)) {
            Code code = new Code(CODE).bytes(0x31, 0xc0, 0x31, 0xd2, 0xb9).word32(OFTEN) // eax = edx = 0; mov ecx, OFTEN
                    .label("next").bytes(0xff, 0xc2, 0x88, 0x15).to32("changed").bytes(0x05) // inc edx; mov [changed], dl; add eax, imm
                    .label("changed").word32(0).bytes(0xff, 0xc9, 0x75).to8("next") // dec ecx; jnz
                    .bytes(0x89, 0x04, 0x25).word32(FLAG).end(); // mov [FLAG], eax
            board.load(code).run(States.long64(board.memory(), CODE));
            int sum = 0;
            for (int n = 1; n <= OFTEN; n++) sum += n & 0xff;
            assertThat(board.memory().read32(FLAG)).isEqualTo(sum);
        }
    }

    @OnEveryEngine
    void dataBesideCodeInItsPageAreWrittenWithoutLosingTheCode(Engine engine) {
        try (Board board = new Board(engine)) {
            Code code = new Code(CODE).bytes(0xb9).word32(OFTEN).label("next").bytes(0xff, 0x05).to32("data") // inc dword [data]
                    .bytes(0xff, 0xc9, 0x75).to8("next").end(); // dec ecx; jnz
            while (code.assembledSize() % 64 != 0) code.bytes(0xcc);
            board.load(code.label("data").word32(0)).run(States.long64(board.memory(), CODE));
            assertThat(board.memory().read32(code.addressOf("data"))).isEqualTo(OFTEN);
            assertThat(board.vm().counters().getOrDefault("regions-invalidated", 0L)).isZero();
        }
    }

    @OnEveryEngine
    void aDeviceWritesAFunctionThatHasRunOften(Engine engine) {
        try (Board board = new Board(engine)) {
            function(board.memory(), FUNCTION, 1);
            board.whenWritten(port -> {
                if (port == WRITES) function(board.memory(), FUNCTION, 2);
            });
            Code code = calls(new Code(CODE), "before", OFTEN, FUNCTION).out8(OUTPUT).out8(WRITES);
            board.load(calls(code, "after", 1, FUNCTION).end());
            assertThat(board.run(States.long64(board.memory(), CODE))).isEqualTo(2);
            assertThat(board.accesses()).startsWith("out 10 1 1");
        }
    }

    /// As bytes that arrive while nothing but the loop runs.
    @OnEveryEngine
    void anotherThreadWritesAFunctionThatIsCalledAllTheTime(Engine engine) throws Exception {
        try (Board board = new Board(engine)) {
            function(board.memory(), FUNCTION, 1);
            Code code = calls(new Code(CODE), "before", OFTEN, FUNCTION).out8(OUTPUT);
            board.load(code.label("until").bytes(0xff, 0xd7, 0x3c, 2, 0x75).to8("until").end()); // call rdi; cmp al, 2; jne
            CpuState state = States.long64(board.memory(), CODE);
            FutureTask<Integer> guest = new FutureTask<>(() -> board.run(state));
            Thread.ofPlatform().daemon().start(guest);
            assertThat(board.nextAccess()).isEqualTo("out 10 1 1");
            function(board.memory(), FUNCTION, 2);
            assertThat(guest.get()).isEqualTo(2);
        }
    }

    @OnEveryEngine
    void anotherProcessorWritesTheLoopThatRuns(Engine engine) throws Exception {
        Code code = new Code(CODE).label("until").bytes(0xb0).label("value").bytes(1, 0x3c, 2, 0x75).to8("until").end(); // mov; cmp al, 2
        Code writer = new Code(OTHER).bytes(0xb9).word32(3_000_000) // mov ecx, n; dec ecx; jnz; mov byte [value], 2
                .label("later").bytes(0xff, 0xc9, 0x75).to8("later").bytes(0xc6, 0x04, 0x25).word32(code.addressOf("value")).bytes(2)
                .label("end").bytes(0xf4, 0xeb).to8("end");
        assertThat(bothRun(engine, code, writer)).isEqualTo(2);
    }

    /// SDM Vol. 3A, 9.1.3: who sees that there is new code, and serializes, executes it.
    @OnEveryEngine
    void anotherProcessorWritesCodeAndSaysSoEachTime(Engine engine) throws Exception {
        int rounds = 300;
        Code code = new Code(CODE).bytes(0xbe).word32(1) // mov esi, 1
                .label("wait").bytes(0x39, 0x34, 0x25).word32(FLAG).bytes(0x72).to8("wait") // cmp [FLAG], esi; jb
                .bytes(0x31, 0xc0, 0x0f, 0xa2, 0xb8).label("value").word32(0) // xor eax, eax; cpuid; mov eax, value
                .bytes(0x39, 0xf0, 0x75).to8("wrong").bytes(0x89, 0x34, 0x25).word32(FLAG + 64) // cmp eax, esi; jne; mov [FLAG + 64], esi
                .bytes(0xff, 0xc6, 0x81, 0xfe).word32(rounds).bytes(0x76).to8("wait") // inc esi; cmp esi, rounds; jbe
                .bytes(0xb0, 1).end().label("wrong").bytes(0xb0, 2).end();
        Code writer = new Code(OTHER).bytes(0xbe).word32(1)
                .label("next").bytes(0x89, 0x34, 0x25).word32(code.addressOf("value")) // mov [value], esi
                .bytes(0x89, 0x34, 0x25).word32(FLAG) // mov [FLAG], esi
                .label("wait").bytes(0x39, 0x34, 0x25).word32(FLAG + 64).bytes(0x72).to8("wait") // cmp [FLAG + 64], esi; jb
                .bytes(0xff, 0xc6, 0x81, 0xfe).word32(rounds).bytes(0x76).to8("next").label("end").bytes(0xf4, 0xeb).to8("end");
        assertThat(bothRun(engine, code, writer)).isEqualTo(1);
    }

    /// Runs `code` on vCPU 0 to its end beside `other` on vCPU 1.
    private static int bothRun(Engine engine, Code code, Code other) throws Exception {
        try (Board board = new Board(engine, 2)) {
            CpuState first = States.long64(board.memory(), CODE);
            CpuState second = States.long64(board.memory(), OTHER);
            board.load(code).load(other).vcpu(1).setState(second);
            FutureTask<VmExit> beside = new FutureTask<>(() -> board.resume(1));
            Thread.ofPlatform().daemon().start(beside);
            int end = board.run(first);
            beside.get();
            return end;
        }
    }

    private static CpuState mapped(Board board, int... pages) {
        CpuState state = States.long64(board.memory(), CODE);
        GuestMemory memory = board.memory();
        memory.write64(States.PML4 + 0x3000, PAGE_TABLE | 7);
        for (int n = 0; n < pages.length; n++) memory.write64(PAGE_TABLE + 8L * n, pages[n] | 7);
        return state;
    }

    /// mov dword [entry n], page | 7
    private static Code remap(Code code, int n, int page) {
        return code.bytes(0xc7, 0x04, 0x25).word32(PAGE_TABLE + 8L * n).word32(page | 7);
    }

    /// A direct call has a link of its own to what it calls.
    private static Code callsDirectly(Code code, String name, int times) {
        code.bytes(0xb9).word32(times).label(name);
        return code.bytes(0xe8).word32(LINEAR - (code.origin() + code.assembledSize() + 4)).bytes(0xff, 0xc9, 0x75).to8(name);
    }

    @OnEveryEngine
    void thePageOfAFunctionIsExchangedAndInvalidated(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = mapped(board, FUNCTION);
            function(board.memory(), FUNCTION, 1);
            function(board.memory(), OTHER, 2);
            Code code = callsDirectly(calls(new Code(CODE), "before", OFTEN, LINEAR), "directly", OFTEN).out8(OUTPUT);
            remap(code, 0, OTHER).bytes(0x0f, 0x01, 0x3c, 0x25).word32(LINEAR); // invlpg [LINEAR]
            callsDirectly(code, "exchanged", 1).out8(OUTPUT);
            board.load(calls(code, "after", 1, LINEAR).end());
            assertThat(board.run(state)).isEqualTo(2);
            assertThat(board.accesses()).containsExactly("out 10 1 1", "out 10 1 2");
        }
    }

    @OnEveryEngine
    void thePageOfAFunctionIsExchangedWithAllOthers(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = mapped(board, FUNCTION);
            function(board.memory(), FUNCTION, 1);
            function(board.memory(), OTHER, 2);
            Code code = callsDirectly(calls(new Code(CODE), "before", OFTEN, LINEAR), "directly", OFTEN).out8(OUTPUT);
            remap(code, 0, OTHER).bytes(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8); // mov rax, cr3; mov cr3, rax
            callsDirectly(code, "exchanged", 1).out8(OUTPUT);
            board.load(calls(code, "after", 1, LINEAR).end());
            assertThat(board.run(state)).isEqualTo(2);
            assertThat(board.accesses()).containsExactly("out 10 1 1", "out 10 1 2");
        }
    }

    /// A function over two pages, of which the second is exchanged, and exchanged back.
    @OnEveryEngine
    void theSecondPageOfAFunctionIsExchanged(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = mapped(board, FUNCTION, OTHER);
            GuestMemory memory = board.memory();
            int start = 0x1000 - 7;
            memory.write(FUNCTION + start, new Code(0).bytes(0xb0, 7, 0xe9).word32(0x10).assembled()); // mov al, 7; jmp into the next page
            function(memory, OTHER + 0x10, 1);
            function(memory, OTHER + 0x1010, 2);
            Code code = calls(new Code(CODE), "before", OFTEN, LINEAR + start).out8(OUTPUT);
            remap(code, 1, OTHER + 0x1000).bytes(0x0f, 0x01, 0x3c, 0x25).word32(LINEAR + 0x1000);
            calls(code, "exchanged", OFTEN, LINEAR + start).out8(OUTPUT);
            remap(code, 1, OTHER).bytes(0x0f, 0x01, 0x3c, 0x25).word32(LINEAR + 0x1000);
            board.load(calls(code, "back", 1, LINEAR + start).end());
            assertThat(board.run(state)).isEqualTo(1);
            assertThat(board.accesses()).containsExactly("out 10 1 1", "out 10 1 2");
        }
    }

    /// A second linear page with the same code, of which one is taken away: executing it faults.
    @OnEveryEngine
    void aFunctionThatIsNoLongerMappedFaults(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = mapped(board, FUNCTION, FUNCTION);
            function(board.memory(), FUNCTION, 1);
            Code code = calls(calls(new Code(CODE), "one", OFTEN, LINEAR), "other", OFTEN, LINEAR + 0x1000).out8(OUTPUT)
                    .bytes(0xc7, 0x04, 0x25).word32(PAGE_TABLE).word32(0).bytes(0x0f, 0x01, 0x3c, 0x25).word32(LINEAR);
            calls(code, "still", 1, LINEAR + 0x1000).out8(OUTPUT);
            calls(code, "gone", 1, LINEAR).bytes(0xb0, 3).end(); // mov al, 3
            code.label("fault").bytes(0x0f, 0x20, 0xd0, 0xc1, 0xe8, 24).end(); // mov rax, cr2; shr eax, 24
            States.gate64(board.memory(), 14, code.addressOf("fault"));
            assertThat(board.load(code).run(state)).isEqualTo(LINEAR >> 24);
            assertThat(board.accesses()).containsExactly("out 10 1 1", "out 10 1 1");
        }
    }
}
