package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.VmExit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A payload that moves from KVM to the Java engine and back, again and again, and comes to the same end as one that stays.
@Timeout(120)
class MovingTest {
    private static final int CODE = 0x8000;
    private static final int HANDLER = 0xa000;
    private static final int CHECKPOINT = 0x13;
    private static final int ROUNDS = 12;

    private final Engine kvm = Engine.named("kvm");
    private final Engine jvm = Engine.named("jvm");
    private final Engine ownApics = Engine.named("kvm,kernel-irqchip=off");

    @BeforeEach
    void bothEnginesAreNeeded() {
        kvm.orSkip();
        jvm.orSkip();
    }

    private interface Start {
        CpuState on(Board board);
    }

    /// What the payload told at its end, when it changed engines at each checkpoint in the order of `engines`.
    private static List<String> result(Start start, Engine... engines) {
        List<String> told = new ArrayList<>();
        try (Board home = new Board(engines[0])) {
            CpuState state = start.on(home);
            Board board = home;
            for (int n = 0; ; n++) {
                Board here = board;
                here.whenWritten(port -> {
                    if (port == CHECKPOINT) here.vcpu(0).kick();
                });
                here.vcpu(0).setState(state);
                VmExit exit = here.resume(0);
                assertThat(exit).as("after %s", here.accesses()).isInstanceOf(VmExit.Kicked.class);
                here.accesses().stream().filter(access -> !access.startsWith("out " + Integer.toHexString(CHECKPOINT))).forEach(told::add);
                boolean ended = here.hasEnded();
                state = here.vcpu(0).state();
                if (here != home) here.close();
                if (ended) return told;
                board = new Board(engines[(n + 1) % engines.length], home);
            }
        }
    }

    /// Integers, memory, flags.
    private static CpuState kernelCode(Board board) {
        board.load(new Code(CODE)
                .bytes(0xb9).word32(ROUNDS) // mov ecx, ROUNDS
                .bytes(0xb8).word32(1) // mov eax, 1
                .bytes(0x48, 0xbf).word64(0x20_0000) // mov rdi, ...
                .label("round").bytes(0xba).word32(500) // mov edx, 500
                .label("next").bytes(0x69, 0xc0).word32(1_103_515_245).bytes(0x05).word32(12345) // imul eax, eax, ...; add eax, ...
                .bytes(0x01, 0x07, 0x13, 0x07, 0xff, 0xca, 0x75).to8("next") // add [rdi], eax; adc eax, [rdi]; dec edx; jnz
                .bytes(0xe6, CHECKPOINT, 0xff, 0xc9, 0x75).to8("round") // out, al; dec ecx; jnz
                .bytes(0xe7, 0x10, 0x8b, 0x07, 0xe7, 0x11).end()); // out 10h, eax; mov eax, [rdi]; out 11h, eax
        return States.long64(board.memory(), CODE);
    }

    /// x87 and SSE registers, which a KVM without hardware virtualization has in user mode only.
    private static CpuState userCode(Board board) {
        board.load(new Code(CODE)
                .bytes(0xdb, 0xe3, 0xd9, 0xeb) // fninit; fldpi
                .bytes(0xb8).word32(3).bytes(0xf2, 0x0f, 0x2a, 0xc0, 0xf2, 0x0f, 0x10, 0xc8) // cvtsi2sd xmm0, 3; movsd xmm1, xmm0
                .bytes(0xb9).word32(ROUNDS)
                .label("round").bytes(0xba).word32(300)
                .label("next")
                .bytes(0xf2, 0x0f, 0x58, 0xc1, 0xf2, 0x0f, 0x51, 0xc0) // addsd xmm0, xmm1; sqrtsd xmm0, xmm0
                .bytes(0xf2, 0x0f, 0x58, 0xc8) // addsd xmm1, xmm0
                .bytes(0xd9, 0xfe, 0xd8, 0xc0) // fsin; fadd st, st
                .bytes(0xff, 0xca, 0x75).to8("next").bytes(0xe6, CHECKPOINT, 0xff, 0xc9, 0x75).to8("round")
                .bytes(0x48, 0xbf).word64(0x20_0000).bytes(0xdd, 0x1f, 0x8b, 0x47, 0x04, 0xe7, 0x10) // fstp; the high half
                .bytes(0xf2, 0x0f, 0x11, 0x0f, 0x8b, 0x07, 0xe7, 0x11, 0x8b, 0x47, 0x04, 0xe7, 0x11) // movsd [rdi], xmm1; both halves
                .end());
        return States.user64(board.memory(), CODE);
    }

    /// An interrupt that was requested before the move and is taken after it: masked by IF at the checkpoint.
    private static CpuState interruptPending(Board board) {
        board.load(new Code(CODE)
                .bytes(0xbf).word32(0xfee0_0000L).bytes(0xc7, 0x87).word32(0xf0).word32(0x1ff) // mov edi, APIC; mov [rdi+f0h], 1ffh
                .bytes(0xc7, 0x87).word32(0x300).word32(0x4_0045) // ICR: to itself, vector 45H
                .bytes(0xe6, CHECKPOINT, 0xe6, CHECKPOINT, 0xfb, 0xf4, 0xb0, 1, 0xe6, 0x10) // out; out; sti; hlt; mov al, 1; out 10h, al
                .bytes(0xb0, 2).end());
        board.load(new Code(HANDLER).bytes(0x50, 0xb0, 0x45, 0xe6, 0x11, 0x58)
                .bytes(0xc7, 0x87).word32(0xb0).word32(0).bytes(0x48, 0xcf)); // EOI; iretq
        CpuState state = States.long64(board.memory(), CODE);
        States.gate64(board.memory(), 0x45, HANDLER);
        return state;
    }

    @Test
    void theClockGoesOn() {
        for (Engine from : List.of(kvm, jvm)) {
            try (Board board = new Board(from); Board next = new Board(from.equals(kvm) ? jvm : kvm, board)) {
                long hour = TimeUnit.HOURS.toNanos(1);
                board.vm().setClockNanos(hour);
                long then = board.vm().clockNanos();
                assertThat(then).isBetween(hour, hour + TimeUnit.MINUTES.toNanos(1));
                next.vm().setClockNanos(then);
                assertThat(next.vm().clockNanos()).isBetween(then, then + TimeUnit.MINUTES.toNanos(1));
            }
        }
    }

    @Test
    void kernelCodeGoesOn() {
        List<String> stayed = result(MovingTest::kernelCode, jvm);
        assertThat(stayed).hasSize(2);
        assertThat(result(MovingTest::kernelCode, kvm)).isEqualTo(stayed);
        assertThat(result(MovingTest::kernelCode, kvm, jvm)).isEqualTo(stayed);
        assertThat(result(MovingTest::kernelCode, jvm, kvm)).isEqualTo(stayed);
    }

    @Test
    void floatingPointGoesOn() {
        List<String> stayed = result(MovingTest::userCode, jvm);
        assertThat(stayed).hasSize(3);
        assertThat(result(MovingTest::userCode, kvm)).isEqualTo(stayed);
        assertThat(result(MovingTest::userCode, kvm, jvm, kvm)).isEqualTo(stayed);
    }

    @Test
    void aPendingInterruptIsTakenByTheOtherEngine() {
        List<String> stayed = result(MovingTest::interruptPending, jvm);
        assertThat(stayed).containsExactly("out 11 1 45", "out 10 1 1");
        assertThat(result(MovingTest::interruptPending, kvm)).isEqualTo(stayed);
        assertThat(result(MovingTest::interruptPending, kvm, jvm, kvm)).isEqualTo(stayed);
        assertThat(result(MovingTest::interruptPending, jvm, kvm)).isEqualTo(stayed);
        assertThat(result(MovingTest::interruptPending, kvm, ownApics)).isEqualTo(stayed);
        assertThat(result(MovingTest::interruptPending, ownApics, kvm, jvm)).isEqualTo(stayed);
        assertThat(result(MovingTest::interruptPending, jvm, ownApics)).isEqualTo(stayed);
    }
}
