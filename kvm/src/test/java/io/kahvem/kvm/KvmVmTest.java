package io.kahvem.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.host.EventFd;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.Doorbells;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.memory.MemorySlot;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What only this engine has.
@Timeout(60)
class KvmVmTest {
    /// mov byte [di], 1; add di, 2000h; loop, 3 times from 1000H on; then the end. DI = 1000H first.
    private static final int[] WRITES_THREE_PAGES = {
        0xbf, 0x00, 0x10, 0xb9, 0x03, 0x00, 0xc6, 0x05, 0x01, 0x81, 0xc7, 0x00, 0x20, 0xe2, 0xf7, 0xe6, 0xf4, 0xeb, 0xfe
    };

    @Test
    void aWriteThatIsADoorbellSignalsItsEventAndNothingElse() {
        // mov al, 5; out 10h, al; mov al, 6; out 10h, al; out f4h, al
        try (Kvm kvm = new Kvm(0xb0, 5, 0xe6, 0x10, 0xb0, 6, 0xe6, 0x10, 0xe6, 0xf4, 0xeb, 0xfe); EventFd event = EventFd.create()) {
            Doorbells doorbells = kvm.vm.doorbells().orElseThrow();
            Doorbells.Registration five = doorbells.onPortWrite(0x10, 1, OptionalLong.of(5), event);
            assertThat(kvm.vcpu.run(kvm.io)).isEqualTo(new VmExit.Kicked());
            assertThat(event.await()).isEqualTo(1);
            assertThat(kvm.written).as("the other value exits").hasValue(6);

            five.close();
            five.close();
            kvm.vcpu.setState(Kvm.realMode());
            kvm.memory.write8(Kvm.CODE + 4, 0xeb); // jmp over the second OUT
            kvm.memory.write8(Kvm.CODE + 5, 2);
            kvm.vcpu.run(kvm.io);
            assertThat(kvm.written).as("the doorbell is gone").hasValue(5);
        }
    }

    @Test
    void twoDoorbellsAtOnePlaceAreRefusedWithTheReason() {
        try (Kvm kvm = new Kvm(); EventFd event = EventFd.create()) {
            Doorbells doorbells = kvm.vm.doorbells().orElseThrow();
            doorbells.onMmioWrite(0xd000_0000L, 4, OptionalLong.empty(), event);
            assertThatThrownBy(() -> doorbells.onMmioWrite(0xd000_0000L, 4, OptionalLong.empty(), event))
                    .isInstanceOf(HypervisorException.class).hasMessageContaining("KVM_IOEVENTFD").hasMessageContaining("EEXIST");
        }
    }

    @Test
    void anEventInterruptsTheGuest() {
        int apic = 0xfee0_00f0;
        // 32-bit accesses to the APIC from real mode need a segment that reaches it: the state gives DS one.
        try (Kvm kvm = new Kvm(
                0x66, 0xc7, 0x05, 0xff, 0x01, 0x00, 0x00, // mov dword [di], 1ffh: the APIC's SVR
                0xfb, 0xf4, 0xeb, 0xfd); EventFd event = EventFd.create()) { // sti; hlt; jmp
            kvm.memory.write32(4 * 0x41, 0x9000);
            for (int n = 0; n < 4; n++) kvm.memory.write8(0x9000 + n, new int[] {0xe6, 0xf4, 0xeb, 0xfe}[n]);
            var state = Kvm.realMode();
            state.segments[3] = new CpuState.Segment(0, apic, 0xffff, 0x93);
            kvm.vcpu.setState(state);
            try (Doorbells.Registration ignored = kvm.vm.doorbells().orElseThrow().msiOn(event, 0xfee0_0000L, 0x41)) {
                Thread signaller = Thread.ofPlatform().daemon().start(() -> {
                    while (!kvm.ended) { // before the guest has enabled its APIC, interrupts are lost
                        event.signal();
                        Thread.yield();
                    }
                });
                assertThat(kvm.vcpu.run(kvm.io)).isEqualTo(new VmExit.Kicked());
                signaller.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            assertThat(kvm.ended).isTrue();
        }
    }

    @Test
    void writtenPagesByTheKernelsBitmap() {
        writtenPages(VmOptions.DEFAULT);
    }

    @Test
    void aRingThatIsFullLosesNoPage() {
        needsRings();
        int first = 0x10;
        int pages = 1_000; // the kernel stops the vCPU before 1024 entries: at least 64 are its own
        // mov edi, first page; mov cx, pages; again: mov byte [edi], 1; add edi, 1000h; loop again; out f4h, al; jmp $
        int[] code = {
            0x66, 0xbf, 0, first << 4 & 0xff, first >> 4, 0, 0xb9, pages & 0xff, pages >> 8,
            0x67, 0xc6, 0x07, 0x01, 0x66, 0x81, 0xc7, 0, 0x10, 0, 0, 0xe2, 0xf3, 0xe6, 0xf4, 0xeb, 0xfe
        };
        try (Kvm kvm = new Kvm(VmOptions.DEFAULT.withDirtyRing(1024), code)) {
            CpuState state = Kvm.realMode();
            state.segments[CpuState.DS] = new CpuState.Segment(0, 0, -1, 0x8093);
            kvm.vcpu.setState(state);
            kvm.vm.setDirtyLogging(true);
            assertThat(kvm.vcpu.run(kvm.io)).isEqualTo(new VmExit.Kicked());
            assertThat(kvm.vm.takeDirtyPages(kvm.memory.slots().getFirst()).stream())
                    .containsExactlyElementsOf(IntStream.range(first, first + pages).boxed().toList());
        }
    }

    private static void needsRings() {
        Kvm.orSkip();
        boolean missing = new KvmHypervisor().features().stream()
                .noneMatch(feature -> feature.present() && feature.name().startsWith("rings of"));
        if (!missing) return;
        System.out.println("skipped: this KVM has no rings of written pages");
        Assumptions.abort("no rings of written pages");
    }

    @Test
    void writtenPagesByRings() {
        needsRings();
        writtenPages(VmOptions.DEFAULT.withDirtyRing(1024));
    }

    private static void writtenPages(VmOptions options) {
        try (Kvm kvm = new Kvm(options, WRITES_THREE_PAGES)) {
            MemorySlot slot = kvm.memory.slots().getFirst();
            assertThat(kvm.vm.takeDirtyPages(slot).isEmpty()).as("before logging").isTrue();
            kvm.vm.setDirtyLogging(true);
            kvm.vcpu.run(kvm.io);
            assertThat(kvm.vm.takeDirtyPages(slot).stream()).containsExactly(1, 3, 5);
            assertThat(kvm.vm.takeDirtyPages(slot).stream()).as("forgotten once told").isEmpty();

            kvm.vcpu.setState(Kvm.realMode());
            kvm.vcpu.run(kvm.io);
            assertThat(kvm.vm.takeDirtyPages(slot).stream()).as("watched again").containsExactly(1, 3, 5);

            kvm.vm.setDirtyLogging(false);
            kvm.vcpu.setState(Kvm.realMode());
            kvm.vcpu.run(kvm.io);
            assertThat(kvm.vm.takeDirtyPages(slot).stream()).as("no more").isEmpty();
        }
    }

    @Test
    void anInstructionThatCannotBeEmulatedIsToldWithItsPlace() {
        try (Kvm kvm = new Kvm(0x90, 0x9b, 0xe6, 0xf4, 0xeb, 0xfe)) { // nop; fwait
            VmExit exit = kvm.vcpu.run(kvm.io);
            if (exit instanceof VmExit.Kicked) {
                System.out.println("skipped: this KVM executes FWAIT");
                Assumptions.abort("FWAIT is executed");
            }
            assertThat(exit).isInstanceOfSatisfying(VmExit.Fatal.class, fatal -> {
                assertThat(fatal.reason()).contains("cannot emulate", "--accel jvm");
                assertThat(fatal.mode()).isEqualTo("real mode");
                assertThat(fatal.rip()).isEqualTo(Kvm.CODE + 1);
                assertThat(fatal.bytes()).startsWith(0x9b, 0xe6, 0xf4);
            });
        }
    }

    @Test
    void aCallThatNeverReturnsIsFoundByTheWatchdog() {
        try (Kvm kvm = new Kvm(0x90, 0x0f, 0x01, 0xc1, 0xe6, 0xf4, 0xeb, 0xfe)) { // nop; vmcall
            VmExit exit = kvm.vcpu.run(kvm.io);
            if (!kvm.vm.softwareOnly()) Assumptions.abort("there is no watchdog with hardware virtualization");
            if (exit instanceof VmExit.Kicked) Assumptions.abort("this KVM gets past VMCALL");
            assertThat(exit).isInstanceOfSatisfying(VmExit.Fatal.class, fatal -> {
                assertThat(fatal.reason()).contains("does not return", "VMCALL");
                assertThat(fatal.rip()).isEqualTo(Kvm.CODE + 1);
            });
        }
    }

    @Test
    void aKickAfterTheEndDoesNothing() {
        Kvm kvm = new Kvm();
        kvm.close();
        kvm.vcpu.kick();
        kvm.vm.sendMsi(0xfee0_0000L, 0x41);
        kvm.vm.close();
    }
}
