package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A locked read-modify-write is one step towards locked and plain accesses of other processors, at any alignment (SDM Vol. 3A, 9.1.2).
///
/// All vCPUs but the last count in the low bytes of a word, each in its own way to do that; the last stores to its highest byte, reads it
/// back, and counts in [#LOST] how often its store was lost to a read-modify-write around it.
@Timeout(120)
class LockedAccessTest {
    private static final int CODE = 0x10000;
    private static final int WORD = 0x20_0000;
    private static final int LOST = 0x30_0000;
    private static final int DONE = 0x20;
    private static final int EACH = 0x20;

    private static final int ROUNDS = 4_000;

    /// The same where each count stops all other vCPUs, which takes microseconds, or a time slice where there are too few processors.
    private static final int ROUNDS_STANDING = 400;

    private static int counts(String how, int bytes) {
        return switch (how) {
            case "xadd" -> 1;
            case "cmpxchg" -> 2;
            default -> bytes == 16 ? 4 : bytes == 8 && how.equals("cmpxchg8b") ? 3 : 0;
        };
    }

    /// Adds one to the word at RDI once.
    private static void count(Code code, String how, int bytes) {
        int wide = bytes == 8 ? 0x48 : 0x40;
        switch (counts(how, bytes)) {
            case 0 -> code.bytes(0xf0, wide, 0x83, 0x07, 1); // lock add [rdi], 1
            case 1 -> code.bytes(0xb8).word32(1).bytes(0xf0, wide, 0x0f, 0xc1, 0x07); // mov eax, 1; lock xadd [rdi], eax
            case 2 -> code.bytes(wide, 0x8b, 0x07) // mov eax, [rdi]; lea ebx, [rax+1]; lock cmpxchg [rdi], ebx; jne
                    .label("again").bytes(wide, 0x8d, 0x58, 1, 0xf0, wide, 0x0f, 0xb1, 0x1f, 0x75).to8("again");
            case 3 -> code.bytes(0x8b, 0x07, 0x8b, 0x57, 4) // mov eax, [rdi]; mov edx, [rdi+4]
                    .label("again").bytes(0x8d, 0x58, 1, 0x89, 0xd1, 0xf0, 0x0f, 0xc7, 0x0f, 0x75).to8("again");
            default -> code.bytes(0x48, 0x8b, 0x07, 0x48, 0x8b, 0x57, 8) // mov rax, [rdi]; mov rdx, [rdi+8]
                    .label("again").bytes(0x48, 0x8d, 0x58, 1, 0x48, 0x89, 0xd1, 0xf0, 0x48, 0x0f, 0xc7, 0x0f, 0x75).to8("again");
        }
    }

    private static Code counter(int at, int id, String how, int bytes, int word, int rounds) {
        Code code = new Code(at).bytes(0xbf).word32(word).bytes(0xbe).word32(rounds).label("next"); // mov edi; mov esi
        count(code, how, bytes);
        return done(code.bytes(0xff, 0xce, 0x75).to8("next"), id); // dec esi; jnz
    }

    private static Code done(Code code, int id) {
        return code.out8(DONE + id).bytes(0xeb, 0xfe);
    }

    /// Stores to the highest byte until all others are done.
    private static Code storer(int at, int id, int bytes, int word, int others) {
        Code code = new Code(at).bytes(0xbf).word32(word + bytes - 1).bytes(0xb2, 0) // mov edi, highest byte; mov dl, 0
                .label("next").bytes(0xfe, 0xc2, 0x80, 0xe2, 0x7f, 0x88, 0x17, 0x31, 0xc9) // inc dl; and dl, 7fh; mov [rdi], dl; ecx = 0
                .label("look").bytes(0x38, 0x17, 0x75).to8("lost") // cmp [rdi], dl; jne
                .bytes(0xff, 0xc1, 0x83, 0xf9, EACH, 0x72).to8("look") // inc ecx; cmp ecx, EACH; jb
                .label("on").bytes(0x80, 0x3c, 0x25).word32(LOST + 64L).bytes(others, 0x75).to8("next"); // cmp [LOST + 64], others
        done(code, id);
        return code.label("lost").bytes(0xff, 0x04, 0x25).word32(LOST).bytes(0xeb).to8("on"); // inc dword [LOST]
    }

    @ParameterizedTest
    @CsvSource({
        "add, 4, 0", "xadd, 4, 3", "cmpxchg, 4, 6", "add, 4, 61", "xadd, 4, 62", "cmpxchg, 4, 63", "add, 4, 4093", "xadd, 4, 4095",
        "cmpxchg, 4, 4094", "add, 8, 0", "xadd, 8, 3", "cmpxchg, 8, 57", "cmpxchg, 8, 4089", "cmpxchg8b, 8, 0", "cmpxchg8b, 8, 60",
        "cmpxchg16b, 16, 0"})
    void isOneStepAmongAllAccesses(String how, int bytes, int offset) throws Exception {
        boolean standing = offset % 64 + bytes > 64 || bytes == 16;
        for (VmOptions.Translation when : new VmOptions.Translation[] {VmOptions.Translation.EARLY, VmOptions.Translation.OFF}) {
            for (int cpus : new int[] {2, 4}) {
                run(Engine.named("jvm").translating(when), cpus, how, bytes, WORD + offset, standing ? ROUNDS_STANDING : ROUNDS);
            }
        }
    }

    private static void run(Engine engine, int cpus, String how, int bytes, int word, int rounds) throws Exception {
        try (Board board = new Board(engine, cpus)) {
            GuestMemory memory = board.memory();
            AtomicInteger done = new AtomicInteger();
            board.whenWritten(port -> {
                memory.write8(LOST + 64, done.incrementAndGet());
                board.vcpu(port - DONE).kick();
            });
            List<FutureTask<VmExit>> running = new ArrayList<>();
            for (int id = 0; id < cpus; id++) {
                int n = id;
                int at = CODE + 0x1000 * id;
                board.load(id < cpus - 1 ? counter(at, id, how, bytes, word, rounds) : storer(at, id, bytes, word, cpus - 1));
                CpuState start = States.long64(memory, at);
                board.vcpu(id).setState(start);
                running.add(new FutureTask<>(() -> board.vcpu(n).run(board)));
            }
            for (FutureTask<VmExit> one : running) Thread.ofPlatform().daemon().start(one);
            for (FutureTask<VmExit> one : running) assertThat(one.get()).isInstanceOf(VmExit.Kicked.class);
            assertThat(memory.read32(word) & 0xff_ffff).as("%s, %d bytes at %#x", how, bytes, word).isEqualTo((cpus - 1) * rounds);
            assertThat(memory.read32(LOST)).as("stores lost").isZero();
        }
    }
}
