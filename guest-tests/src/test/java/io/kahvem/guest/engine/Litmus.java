package io.kahvem.guest.engine;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.FutureTask;

/// A litmus test: what some processors write and read, over and over at fresh addresses, and how often each outcome was seen.
///
/// A processor's program is words: `x=1` stores, `a=x` loads, `mfence` is one, `x<>1` stores by XCHG, `lock` is a locked addition to a
/// place of its own. Locations are `x` and `y`, registers `a` to `d`; an outcome is all registers in order, then the final `x` and `y`.
/// Where there are more vCPUs than programs, several groups of them run at the same time, each at addresses of its own.
final class Litmus implements AutoCloseable {
    private static final int ROUNDS = 1_000;
    private static final int STRIDE = 128;
    private static final int CODE = 0x10000;
    private static final int LOCATIONS = 0x20_0000;
    private static final int RESULTS = 0x38_0000;
    private static final int ARRAY = ROUNDS * STRIDE;
    private static final int RESULT_ARRAY = ROUNDS * 8;
    private static final String NAMES = "xyb"; // b: who has come to the start of the round
    private static final String REGISTERS = "abcd";
    private static final int DONE = 0x20;

    private final Board board;
    private final int cpus;
    private final String[] programs;
    private final CpuState[] starts;

    Litmus(Engine engine, int cpus, String... programs) {
        this.cpus = cpus;
        this.programs = programs;
        board = new Board(engine, cpus);
        board.whenWritten(port -> board.vcpu(port - DONE).kick());
        starts = new CpuState[cpus];
        for (int id = 0; id < cpus; id++) {
            int at = CODE + 0x1000 * id;
            board.load(program(new Code(at), id));
            starts[id] = States.long64(board.memory(), at);
        }
    }

    private int groups() {
        return cpus / programs.length;
    }

    private Code program(Code code, int id) {
        int group = id / programs.length;
        if (group >= groups()) return code.out8(DONE + id).bytes(0xeb, 0xfe);
        int locations = LOCATIONS + group * NAMES.length() * ARRAY;
        int results = RESULTS + group * REGISTERS.length() * RESULT_ARRAY;
        code.bytes(0x45, 0x31, 0xc0, 0x45, 0x31, 0xc9, 0xb9).word32(ROUNDS) // xor r8d, r8d; xor r9d, r9d; mov ecx, ROUNDS
                .label("round")
                .bytes(0xf0, 0x41, 0xff, 0x80).word32(locations + 2L * ARRAY).bytes(0xbe).word32(100) // lock inc [r8 + b]; mov esi, 100
                .label("wait").bytes(0x41, 0x83, 0xb8).word32(locations + 2L * ARRAY).bytes(programs.length) // cmp [r8 + b], programs
                .bytes(0x73).to8("go").bytes(0xff, 0xce, 0x75).to8("wait").label("go"); // jae; dec esi; jnz
        List<Integer> loaded = new ArrayList<>();
        for (String word : programs[id % programs.length].split(" ")) {
            if (word.equals("mfence")) {
                code.bytes(0x0f, 0xae, 0xf0);
            } else if (word.equals("lock")) {
                code.bytes(0xf0, 0x83, 0x04, 0x24, 0); // lock add dword [rsp], 0
            } else if (word.contains("<>")) {
                code.bytes(0xbf).word32(word.charAt(3) - '0').bytes(0x41, 0x87, 0xb8).word32(at(locations, word, 0)); // xchg [r8 + n], edi
            } else if (REGISTERS.indexOf(word.charAt(0)) >= 0) {
                code.bytes(0x41, 0x8b, loaded.isEmpty() ? 0x80 : 0x90).word32(at(locations, word, 2)); // mov eax or edx, [r8 + n]
                loaded.add(REGISTERS.indexOf(word.charAt(0)));
            } else {
                code.bytes(0x41, 0xc7, 0x80).word32(at(locations, word, 0)).word32(word.charAt(2) - '0'); // mov [r8 + n], imm
            }
        }
        for (int n = 0; n < loaded.size(); n++) {
            code.bytes(0x41, 0x89, n == 0 ? 0x81 : 0x91).word32(results + loaded.get(n) * RESULT_ARRAY); // mov [r9 + n], eax or edx
        }
        return code.bytes(0x49, 0x81, 0xc0).word32(STRIDE).bytes(0x49, 0x83, 0xc1, 8) // add r8, STRIDE; add r9, 8
                .bytes(0xff, 0xc9, 0x0f, 0x85).to32("round").out8(DONE + id).bytes(0xeb, 0xfe); // dec ecx; jnz
    }

    private static int at(int locations, String word, int index) {
        return locations + NAMES.indexOf(word.charAt(index)) * ARRAY;
    }

    /// All rounds `passes` times; how often each outcome was seen.
    Map<String, Integer> outcomes(int passes) throws Exception {
        Map<String, Integer> seen = new TreeMap<>();
        for (int pass = 0; pass < passes; pass++) {
            GuestMemory memory = board.memory();
            memory.write(LOCATIONS, new byte[groups() * NAMES.length() * ARRAY]);
            List<FutureTask<VmExit>> running = new ArrayList<>();
            for (int id = 0; id < cpus; id++) {
                int n = id;
                board.vcpu(n).setState(starts[n]);
                FutureTask<VmExit> one = new FutureTask<>(() -> board.vcpu(n).run(board));
                running.add(one);
                Thread.ofPlatform().daemon().start(one);
            }
            for (FutureTask<VmExit> one : running) {
                if (!(one.get() instanceof VmExit.Kicked)) throw new AssertionError(one.get().toString());
            }
            for (int group = 0; group < groups(); group++) {
                for (int round = 0; round < ROUNDS; round++) seen.merge(outcome(group, round), 1, Integer::sum);
            }
        }
        return seen;
    }

    private String outcome(int group, int round) {
        StringBuilder outcome = new StringBuilder();
        for (int n = 0; n < REGISTERS.length(); n++) {
            String loads = REGISTERS.charAt(n) + "=";
            if (Arrays.stream(programs).noneMatch(program -> program.contains(loads))) continue;
            long at = RESULTS + (long) (group * REGISTERS.length() + n) * RESULT_ARRAY + 8L * round;
            outcome.append(loads).append(board.memory().read32(at)).append(' ');
        }
        for (int n = 0; n < 2; n++) {
            long at = LOCATIONS + (long) (group * NAMES.length() + n) * ARRAY + (long) STRIDE * round;
            outcome.append(NAMES.charAt(n)).append('=').append(board.memory().read32(at)).append(n == 0 ? " " : "");
        }
        return outcome.toString();
    }

    @Override
    public void close() {
        board.close();
    }
}
