package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.memory.MemorySlot;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Timeout;

/// Which pages were written, by vCPUs and by devices.
@Timeout(120)
class DirtyPagesTest {
    private static final int CODE = 0x8000;

    /// Writes to the pages at 200000H, 202000H and 204000H.
    private static Code threePages() {
        return new Code(CODE)
                .bytes(0xbf).word32(0x20_0000).bytes(0xb9).word32(3) // mov edi, ...; mov ecx, 3
                .label("next").bytes(0xc6, 0x07, 0x01) // mov byte [edi], 1
                .bytes(0x81, 0xc7).word32(0x2000).bytes(0xe2).to8("next").end(); // add edi, 2000h; loop
    }

    @OnEveryEngine
    void areThoseWrittenSinceTheyWereLastAskedFor(Engine engine) {
        try (Board board = new Board(engine).load(threePages())) {
            MemorySlot ram = board.memory().slots().getFirst();
            var state = States.protected32(board.memory(), CODE);
            board.run(state);
            assertThat(board.vm().takeDirtyPages(ram).stream()).as("before anybody asked").isEmpty();

            board.vm().setDirtyLogging(true);
            board.run(state);
            assertThat(board.vm().takeDirtyPages(ram).stream()).containsExactly(0x200, 0x202, 0x204);
            assertThat(board.vm().takeDirtyPages(ram).stream()).isEmpty();
            board.run(state);
            assertThat(board.vm().takeDirtyPages(ram).stream()).as("again").containsExactly(0x200, 0x202, 0x204);
            board.memory().write32(0x30_0ffe, 1);
            assertThat(board.vm().takeDirtyPages(ram).stream()).as("by a device").containsExactly(0x300, 0x301);

            board.vm().setDirtyLogging(false);
            board.run(state);
            assertThat(board.vm().takeDirtyPages(ram).stream()).as("nobody asks any more").isEmpty();
        }
    }

    @OnEveryEngine
    void arePageTablesToo(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xc6, 0x04, 0x25).word32(0x20_0000).bytes(1).end()); // mov byte [200000h], 1
            var state = States.long64(board.memory(), CODE);
            board.vm().setDirtyLogging(true);
            board.run(state);
            assertThat(board.vm().takeDirtyPages(board.memory().slots().getFirst()).stream())
                    .as("the page, and the directory that got its accessed and dirty bits")
                    .contains(0x200, (States.PML4 + 0x2000) >> 12);
        }
    }

    @OnEveryEngine
    void areToldWhileTheGuestGoesOnWriting(Engine engine) throws Exception {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE)
                    .bytes(0xe6, 0x10, 0xbf).word32(0x20_0000) // out 10h, al; mov edi, ...
                    .label("next").bytes(0xff, 0x07) // inc dword [edi]
                    .bytes(0x80, 0x3d).word32(0x500).bytes(1, 0x75).to8("next").end()); // cmp byte [500h], 1; jne
            MemorySlot ram = board.memory().slots().getFirst();
            var state = States.protected32(board.memory(), CODE);
            board.vm().setDirtyLogging(true);
            FutureTask<Integer> guest = new FutureTask<>(() -> board.run(state));
            Thread.ofPlatform().daemon().start(guest);
            board.nextAccess();
            for (int rounds = 0; rounds < 5; rounds++) {
                while (!board.vm().takeDirtyPages(ram).get(0x200)) Thread.onSpinWait();
            }
            board.memory().write8(0x500, 1);
            guest.get();
        }
    }
}
