package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.host.HostMemory;
import io.kahvem.host.Mapping;
import io.kahvem.host.Words;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Timeout;

/// Memory that comes and goes while the guest runs.
@Timeout(120)
class SlotsTest {
    private static final int CODE = 0x8000;
    private static final int SLOT = 0x5000_0000;
    private static final int COMES = 0x12;
    private static final int GOES = 0x13;
    private static final int MOVES = 0x14;

    private static Mapping page(int... bytes) {
        Mapping page = HostMemory.system().map(0x1000);
        GuestMemory writer = new GuestMemory();
        writer.add(0, page, false);
        for (int n = 0; n < bytes.length; n++) writer.write8(n, bytes[n]);
        return page;
    }

    /// mov eax, [edi]; out 10h, al
    private static Code told(Code code) {
        return code.bytes(0x8b, 0x07, 0xe6, 0x10);
    }

    @OnEveryEngine
    void aDeviceBringsMovesAndTakesIt(Engine engine) {
        try (Board board = new Board(engine)) {
            Mapping page = page(0x11);
            MemorySlot[] slot = new MemorySlot[1];
            board.answering(address -> 0xdd).whenWritten(port -> {
                if (port == COMES) slot[0] = board.memory().add(SLOT, page, false);
                if (port == MOVES || port == GOES) board.memory().remove(slot[0]);
                if (port == MOVES) slot[0] = board.memory().add(SLOT + 0x1000, page, false);
            });
            Code code = new Code(CODE).bytes(0xbf).word32(SLOT); // mov edi, SLOT
            told(told(code).out8(COMES)).bytes(0xc6, 0x07, 0x22); // mov byte [edi], 22h
            told(told(code).out8(MOVES)).bytes(0x8b, 0x87).word32(0x1000).bytes(0xe6, 0x10); // mov eax, [edi + 1000h]; out 10h, al
            code.out8(GOES).bytes(0x8b, 0x87).word32(0x1000).bytes(0xe6, 0x10).end();
            board.load(code).run(States.protected32(board.memory(), CODE));
            assertThat(board.accesses().stream().filter(access -> access.startsWith("out 10 ")))
                    .containsExactly("out 10 1 dd", "out 10 1 11", "out 10 1 22", "out 10 1 dd", "out 10 1 22", "out 10 1 dd");
        }
    }

    @OnEveryEngine
    void anotherThreadTakesItFromARunningGuest(Engine engine) throws Exception {
        try (Board board = new Board(engine)) {
            MemorySlot slot = board.memory().add(SLOT, page(), false);
            board.load(new Code(CODE)
                    .bytes(0xe6, 0x10, 0xbf).word32(SLOT) // out 10h, al; mov edi, SLOT
                    .label("next").bytes(0xff, 0x07) // inc dword [edi]
                    .bytes(0x80, 0x3d).word32(0x500).bytes(1, 0x75).to8("next").end()); // cmp byte [500h], 1; jne
            CpuState state = States.protected32(board.memory(), CODE);
            FutureTask<Integer> guest = new FutureTask<>(() -> board.run(state));
            Thread.ofPlatform().daemon().start(guest);
            assertThat(board.nextAccess()).isEqualTo("out 10 1 0");
            while (Byte.toUnsignedInt(firstByte(slot)) < 0x10) Thread.onSpinWait();
            board.memory().remove(slot);
            assertThat(board.nextAccess()).as("what was memory is a device").isEqualTo("read 50000000 4");
            board.memory().write8(0x500, 1);
            guest.get();
        }
    }

    private static byte firstByte(MemorySlot slot) {
        return Words.get8(slot.hva(slot.gpa()));
    }

    @OnEveryEngine
    void codeIsThatOfTheMemoryThatIsThere(Engine engine) {
        try (Board board = new Board(engine)) {
            MemorySlot first = board.memory().add(SLOT, page(0xb0, 1, 0xc3), false); // mov al, 1; ret
            board.whenWritten(port -> {
                if (port != MOVES) return;
                board.memory().remove(first);
                board.memory().add(SLOT, page(0xb0, 2, 0xc3), false);
            });
            Code code = new Code(CODE).bytes(0xbf).word32(SLOT).bytes(0xb9).word32(20_000) // mov edi, SLOT; mov ecx, 20000
                    .label("next").bytes(0xff, 0xd7, 0xff, 0xc9, 0x75).to8("next").out8(0x10) // call edi; dec ecx; jnz; out 10h, al
                    .out8(MOVES).bytes(0xff, 0xd7).out8(0x10).end();
            board.load(code).run(States.protected32(board.memory(), CODE));
            assertThat(board.accesses()).containsExactly("out 10 1 1", "out 14 1 1", "out 10 1 2");
        }
    }

    @OnEveryEngine
    void itsWrittenPagesAreNotedFromTheFirst(Engine engine) {
        try (Board board = new Board(engine)) {
            board.vm().setDirtyLogging(true);
            MemorySlot slot = board.memory().add(SLOT, HostMemory.system().map(0x4000), false);
            board.load(new Code(CODE).bytes(0xbf).word32(SLOT + 0x2000).bytes(0xc6, 0x07, 1).end());
            board.run(States.protected32(board.memory(), CODE));
            assertThat(board.vm().takeDirtyPages(slot).stream()).containsExactly(2);
        }
    }
}
