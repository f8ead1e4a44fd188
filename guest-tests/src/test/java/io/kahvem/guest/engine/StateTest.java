package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.Activity;
import io.kahvem.hypervisor.CpuState.Event;
import io.kahvem.hypervisor.VmExit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.junit.jupiter.api.Timeout;

/// A state that is set is the state that is read, in each mode.
@Timeout(120)
class StateTest {
    private static final int CODE = 0x8000;
    private static final int HANDLER = 0xa000;
    private static final int XMM0 = 160;
    private static final int HEADER = 512;
    private static final Map<Integer, Long> MSRS = Map.of(
            0xc000_0081, 0x0013_0008_0000_0000L, // STAR
            0xc000_0082, 0xffff_8000_0000_1000L, // LSTAR
            0xc000_0084, 0x4_7700L, // FMASK
            0xc000_0102, 0xffff_8880_0000_0000L, // KERNEL_GS_BASE
            0x174, 0x10L, // SYSENTER_CS
            0x277, 0x0007_0406_0007_0406L); // PAT

    private static void fill(CpuState state) {
        for (int n = 0; n < 16; n++) state.gpr[n] = 0x1111_1111_1111_1111L * n;
        state.rflags |= 0x8d5; // OF, SF, ZF, AF, PF, CF
        state.cr2 = 0xdead_b000L;
        state.dr[0] = 0x1234_5678L;
        state.dr[3] = 0x9abc_def0L;
        state.msrs.putAll(MSRS);
        ByteBuffer xsave = ByteBuffer.allocate(576).order(ByteOrder.LITTLE_ENDIAN);
        xsave.putShort(0, (short) 0x27f).putInt(24, 0x1fa0); // FCW, MXCSR
        xsave.putLong(XMM0, 0x0123_4567_89ab_cdefL).putLong(XMM0 + 15 * 16 + 8, -2);
        xsave.putLong(HEADER, 3);
        state.xsave = xsave.array();
    }

    private static void isKept(Board board, CpuState state) {
        board.vcpu(0).setState(state);
        CpuState read = board.vcpu(0).state();
        assertThat(read.gpr).containsExactly(state.gpr);
        assertThat(read.rip).isEqualTo(state.rip);
        assertThat(read.rflags).isEqualTo(state.rflags);
        assertThat(read.cr0).isEqualTo(state.cr0);
        assertThat(read.cr2).isEqualTo(state.cr2);
        assertThat(read.cr3).isEqualTo(state.cr3);
        assertThat(read.cr4).isEqualTo(state.cr4);
        assertThat(read.dr).containsExactly(state.dr);
        assertThat(read.gdtr).isEqualTo(state.gdtr);
        assertThat(read.idtr).isEqualTo(state.idtr);
        for (int n = 0; n < 6; n++) assertThat(read.segments[n]).as("segment %d", n).isEqualTo(state.segments[n]);
        assertThat(read.tr).isEqualTo(state.tr);
        assertThat(read.msrs).containsAllEntriesOf(MSRS);
        assertThat(read.activity).isEqualTo(state.activity);
        assertThat(read.nmiBlocked).isEqualTo(state.nmiBlocked);
        assertThat(read.interruptShadow).isEqualTo(state.interruptShadow);
        ByteBuffer xsave = ByteBuffer.wrap(read.xsave).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(xsave.getShort(0)).as("FCW").isEqualTo((short) 0x27f);
        assertThat(xsave.getInt(24)).as("MXCSR").isEqualTo(0x1fa0);
        assertThat(xsave.getLong(XMM0)).isEqualTo(0x0123_4567_89ab_cdefL);
        assertThat(xsave.getLong(XMM0 + 15 * 16 + 8)).isEqualTo(-2);
    }

    @OnEveryEngine
    void inRealMode(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = States.real(CODE);
            fill(state);
            isKept(board, state);
        }
    }

    @OnEveryEngine
    void inProtectedMode(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = States.protected32(board.memory(), CODE);
            fill(state);
            isKept(board, state);
        }
    }

    @OnEveryEngine
    void inLongMode(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = States.long64(board.memory(), CODE);
            fill(state);
            state.nmiBlocked = true;
            isKept(board, state);
            assertThat(board.vcpu(0).state().msrs.get(0xc000_0080)).isEqualTo(0x501L);
        }
    }

    @OnEveryEngine
    void inUserMode(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = States.user64(board.memory(), CODE);
            fill(state);
            isKept(board, state);
        }
    }

    @OnEveryEngine
    void halted(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = States.real(CODE);
            fill(state);
            state.activity = Activity.HALTED;
            isKept(board, state);
        }
    }

    @OnEveryEngine
    void ofTheLocalApic(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState state = States.real(CODE);
            board.vcpu(0).setState(state);
            byte[] page = board.vcpu(0).state().apicPage;
            ByteBuffer apic = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
            apic.putInt(0xf0, 0x1ff).putInt(0x80, 0x20).putInt(0x320, 0x1_0041).putInt(0x210, 1 << 5); // SVR, TPR, timer masked, IRR 25H
            state.apicPage = page;
            board.vcpu(0).setState(state);
            ByteBuffer read = ByteBuffer.wrap(board.vcpu(0).state().apicPage).order(ByteOrder.LITTLE_ENDIAN);
            for (int register : new int[] {0x20, 0x80, 0xf0, 0x210, 0x320, 0x350}) {
                assertThat(read.getInt(register)).as("register %#x", register).isEqualTo(apic.getInt(register));
            }
        }
    }

    @OnEveryEngine
    void anEventTakenForDeliveryIsKeptAndComesBeforeTheNextInstruction(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xb0, 1).end()).load(new Code(0x9000).bytes(0xb0, 2).end());
            States.vectorReal(board.memory(), 0x41, 0x9000);
            CpuState state = States.real(CODE);
            state.event = new Event(Event.Kind.EXTERNAL_INTERRUPT, 0x41, Event.NO_ERROR_CODE);
            board.vcpu(0).setState(state);
            assertThat(board.vcpu(0).state().event).isEqualTo(state.event);
            assertThat(board.resume()).as("what the handler writes, without RFLAGS.IF").isEqualTo(2);
            assertThat(board.memory().read16(0x7000 - 6)).as("the return address").isEqualTo(CODE);
        }
    }

    @OnEveryEngine
    void aNewStateForgetsWhatTheOldOneHad(Engine engine) {
        try (Board board = new Board(engine)) {
            CpuState old = States.long64(board.memory(), CODE);
            fill(old);
            board.vcpu(0).setState(old);
            CpuState fresh = new CpuState();
            board.vcpu(0).setState(fresh);
            CpuState read = board.vcpu(0).state();
            assertThat(read.msrs.get(0xc000_0082)).as("LSTAR").isZero();
            assertThat(read.msrs.get(0xc000_0080)).as("EFER").isZero();
            assertThat(read.cr4).isZero();
            assertThat(read.rip).isEqualTo(0xfff0);
            assertThat(ByteBuffer.wrap(read.xsave).order(ByteOrder.LITTLE_ENDIAN).getLong(XMM0)).isZero();
        }
    }

    @OnEveryEngine
    void anInterruptFetchedFromThe8259PairJustBeforeAKickIsInIt(Engine engine) {
        try (Board board = new Board(engine)) {
            States.vectorReal(board.memory(), 0x30, 0x9000);
            board.load(new Code(CODE).bytes(0xfb).label("next").bytes(0xeb).to8("next")); // sti; jmp $
            board.load(new Code(0x9000).bytes(0xeb, 0, 0xb0, 4).end()); // jmp; mov al, 4
            board.acknowledging(0x30, () -> {
                board.vm().setIntr(false);
                board.vcpu(0).kick();
            });
            board.vm().setIntr(true);
            board.vcpu(0).setState(States.real(CODE));
            assertThat(board.resume(0)).isInstanceOf(VmExit.Kicked.class);
            try (Board next = new Board(engine, board)) {
                assertThat(next.run(board.vcpu(0).state())).isEqualTo(4);
            }
        }
    }

    @OnEveryEngine
    void aHaltedProcessorIsWokenByAn8259PairThatWasReadyBefore(Engine engine) {
        try (Board board = new Board(engine)) {
            States.vectorReal(board.memory(), 0x30, 0x9000);
            board.load(new Code(CODE).bytes(0xeb, 0xfe)).load(new Code(0x9000).bytes(0xb0, 5).end()); // jmp $
            board.acknowledging(0x30, () -> board.vm().setIntr(false));
            board.vm().setIntr(true);
            CpuState state = States.real(CODE);
            state.rflags |= 0x200;
            state.activity = Activity.HALTED;
            assertThat(board.run(state)).isEqualTo(5);
        }
    }

    @OnEveryEngine
    void anNmiThatWaitsForTheEndOfAnotherIsInIt(Engine engine) {
        try (Board board = new Board(engine)) {
            board.load(new Code(CODE).bytes(0xb0, 6).end()); // what the first one returns to
            board.load(new Code(HANDLER).bytes(0xe6, 0x10, 0x48, 0xcf)); // out 10h, al; iretq
            CpuState state = States.long64(board.memory(), CODE);
            States.gate64(board.memory(), 2, HANDLER);
            state.nmiBlocked = true;
            state.nmiPending = true;
            board.vcpu(0).setState(state);
            CpuState read = board.vcpu(0).state();
            assertThat(read.nmiPending).isTrue();
            assertThat(read.nmiBlocked).isTrue();
            assertThat(board.resume()).as("blocked").isEqualTo(6);
            assertThat(board.accesses()).isEmpty();

            state.nmiBlocked = false;
            assertThat(board.run(state)).isEqualTo(6);
            assertThat(board.accesses()).containsExactly("out 10 1 0");
            assertThat(board.vcpu(0).state().nmiPending).isFalse();
        }
    }

    @OnEveryEngine
    void anInitAndASipiThatWereNotTakenYetAreInIt(Engine engine) {
        try (Board board = new Board(engine, 2)) {
            CpuState waiting = new CpuState();
            waiting.activity = Activity.WAIT_FOR_SIPI;
            board.vcpu(1).setState(waiting);
            board.vm().sendMsi(0xfee0_1000L, 0x4500); // INIT to APIC 1
            board.vm().sendMsi(0xfee0_1000L, 0x4609); // SIPI
            CpuState started = board.vcpu(1).state();
            assertThat(started.activity).isEqualTo(Activity.RUNNING);
            assertThat(started.segments[CpuState.CS].base()).isEqualTo(0x9000);
            board.load(new Code(0x9000).bytes(0xb0, 7).end());
            try (Board next = new Board(engine, board)) {
                next.vcpu(1).setState(started);
                assertThat(next.resume(1)).isInstanceOf(VmExit.Kicked.class);
                assertThat(next.hasEnded()).isTrue();
            }
        }
    }
}
