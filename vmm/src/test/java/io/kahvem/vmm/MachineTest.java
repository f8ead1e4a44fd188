package io.kahvem.vmm;

import static io.kahvem.vmm.TestMachines.COM1;
import static io.kahvem.vmm.TestMachines.KERNEL_AT;
import static io.kahvem.vmm.TestMachines.KERNEL_WORD;
import static io.kahvem.vmm.TestMachines.RST_CNT;
import static io.kahvem.vmm.TestMachines.host;
import static io.kahvem.vmm.TestMachines.powerOff;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.config.Accel;
import io.kahvem.config.MachineConfig;
import io.kahvem.devices.ByteSink;
import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.vmm.boot.BootException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class MachineTest {

    @TempDir
    Path directory;

    private Path kernel;
    private final ByteArrayOutputStream console = new ByteArrayOutputStream();
    private final ByteSink toConsole = console::write;

    @BeforeEach
    void writeKernel() throws IOException {
        kernel = TestMachines.writeKernel(directory);
    }

    private MachineConfig.Builder config() {
        return MachineConfig.builder().memory("4M").kernel(kernel);
    }

    private MachineResult run(MachineConfig config, ScriptedHypervisor.Script script) throws InterruptedException {
        ScriptedHypervisor engine = new ScriptedHypervisor(script);
        try (Machine machine = Machine.create(config, toConsole, host(engine))) {
            return machine.run();
        } finally {
            assertThat(engine.openVms).hasValue(0);
        }
    }

    @Test
    void theGuestFindsItsKernelLoadedSpeaksAndPowersOff() throws InterruptedException {
        MachineResult result = run(config().build(), (cpu, io) -> {
            assertThat(cpu.state().rip).isEqualTo(KERNEL_AT + 32);
            assertThat(cpu.memory().read32(KERNEL_AT + 32)).isEqualTo(KERNEL_WORD);
            for (byte b : "hello".getBytes(StandardCharsets.US_ASCII)) io.portWrite(COM1, 1, b);
            powerOff(io);
            return cpu.halt();
        });
        assertThat(result).isEqualTo(new MachineResult.PoweredOff());
        assertThat(console.toString(StandardCharsets.US_ASCII)).isEqualTo("hello");
    }

    @Test
    void aResetStartsTheKernelAgainFromItsFile() throws InterruptedException {
        AtomicInteger boots = new AtomicInteger();
        MachineResult result = run(config().cpus(3).build(), (cpu, io) -> {
            boots.set(cpu.boot());
            assertThat(cpu.memory().read32(KERNEL_AT + 32)).isEqualTo(KERNEL_WORD);
            cpu.memory().write32(KERNEL_AT + 32, 0);
            if (cpu.boot() == 3) {
                powerOff(io);
            } else {
                io.portWrite(RST_CNT, 1, 6);
            }
            return cpu.halt();
        });
        assertThat(result).isEqualTo(new MachineResult.PoweredOff());
        assertThat(boots).hasValue(3);
    }

    @Test
    void acpiIsFoundInTheFirmwareAreaAfterEveryReset() throws InterruptedException {
        MachineResult result = run(config().build(), (cpu, io) -> {
            assertThat(cpu.memory().read64(0xe_0000)).isEqualTo(0x2052_5450_2044_5352L); // "RSD PTR "
            cpu.memory().write64(0xe_0000, 0);
            if (cpu.boot() == 2) {
                powerOff(io);
            } else {
                io.portWrite(RST_CNT, 1, 6);
            }
            return cpu.halt();
        });
        assertThat(result).isEqualTo(new MachineResult.PoweredOff());
    }

    @Test
    void aResetPutsTheDevicesIntoTheirFirstState() throws InterruptedException {
        MachineResult result = run(config().build(), (cpu, io) -> {
            int scratch = COM1 + 7;
            assertThat(io.portRead(scratch, 1)).isZero();
            io.portWrite(scratch, 1, 0x5a);
            if (cpu.boot() == 2) {
                powerOff(io);
            } else {
                io.portWrite(RST_CNT, 1, 6);
            }
            return cpu.halt();
        });
        assertThat(result).isEqualTo(new MachineResult.PoweredOff());
    }

    @Test
    void aTripleFaultResetsAsHardwareDoes() throws InterruptedException {
        MachineResult result = run(config().build(), (cpu, io) -> {
            if (cpu.boot() == 1) return new VmExit.Shutdown("triple fault");
            powerOff(io);
            return cpu.halt();
        });
        assertThat(result).isEqualTo(new MachineResult.PoweredOff());
    }

    @Test
    void withoutRebootingResetsAndTripleFaultsEndTheMachine() throws InterruptedException {
        MachineConfig config = config().noReboot(true).build();
        assertThat(run(config, (cpu, io) -> {
            io.portWrite(RST_CNT, 1, 6);
            return cpu.halt();
        })).isEqualTo(new MachineResult.ResetRequested(ShutdownCause.GUEST_RESET));
        assertThat(run(config, (cpu, io) -> new VmExit.Shutdown("no IDT"))).isEqualTo(new MachineResult.TripleFault("vCPU 0: no IDT"));
    }

    @Test
    void debugExitTellsItsValueWhereItIsFitted() throws InterruptedException {
        assertThat(run(config().debugExit(true).build(), (cpu, io) -> {
            io.portWrite(0xf4, 1, 0x21);
            return cpu.halt();
        })).isEqualTo(new MachineResult.DebugExit(0x21));
        assertThat(run(config().build(), (cpu, io) -> {
            io.portWrite(0xf4, 1, 0x21);
            powerOff(io);
            return cpu.halt();
        })).isEqualTo(new MachineResult.PoweredOff());
    }

    @Test
    void theFirstEndingCounts() throws InterruptedException {
        assertThat(run(config().debugExit(true).build(), (cpu, io) -> {
            io.portWrite(0xf4, 1, 3);
            io.portWrite(RST_CNT, 1, 6);
            powerOff(io);
            return new VmExit.Shutdown("after the end");
        })).isEqualTo(new MachineResult.DebugExit(3));
    }

    @Test
    void aMachineIsStoppedFromAnotherThread() throws InterruptedException {
        CountDownLatch running = new CountDownLatch(1);
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            running.countDown();
            return cpu.halt();
        });
        try (Machine machine = Machine.create(config().cpus(4).build(), toConsole, host(engine))) {
            machine.start();
            running.await();
            machine.stop();
            assertThat(machine.await()).isEqualTo(new MachineResult.Stopped(ShutdownCause.HOST_UI));
            assertThat(machine.statistics().instructionsRetired()).containsExactly(100L, 101L, 102L, 103L);
            assertThat(machine.statistics().totalInstructions()).isEqualTo(406);
        }
    }

    @Test
    void closingARunningMachineStopsItAndFreesItAll() throws InterruptedException {
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> cpu.halt());
        Machine machine = Machine.create(config().build(), toConsole, host(engine));
        machine.start();
        machine.close();
        assertThat(machine.await()).isEqualTo(new MachineResult.Stopped(ShutdownCause.HOST_UI));
        assertThat(engine.openVms).hasValue(0);
        machine.close();
    }

    @Test
    void aMachineThatNeverStartedEndsWhenItIsClosed() throws InterruptedException {
        Machine machine = Machine.create(config().build(), toConsole, host(new ScriptedHypervisor((cpu, io) -> cpu.halt())));
        machine.close();
        assertThat(machine.await()).isEqualTo(new MachineResult.Stopped(ShutdownCause.HOST_UI));
        assertThatThrownBy(machine::start).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void theTimeoutGoesByTheMachinesClock() throws InterruptedException {
        HandMovedLoop loop = new HandMovedLoop();
        MachineHost host = new MachineHost(
                HostMemory.system(), handler -> loop, List.of(new ScriptedHypervisor((cpu, io) -> cpu.halt())), () -> new byte[0]);
        Duration minute = Duration.ofMinutes(1);
        try (Machine machine = Machine.create(config().timeout(minute).build(), toConsole, host)) {
            machine.start();
            loop.advance(minute.toNanos() - 1);
            assertThat(machine.ended()).isNotDone();
            loop.advance(1);
            assertThat(machine.await()).isEqualTo(new MachineResult.TimedOut(minute));
            assertThat(machine.statistics().running()).isEqualTo(minute);
        }
    }

    @Test
    void theOtherProcessorsWaitToBeStarted() throws InterruptedException {
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            powerOff(io);
            return cpu.halt();
        });
        try (Machine machine = Machine.create(config().cpus(3).build(), toConsole, host(engine))) {
            machine.run();
        }
        assertThat(engine.startStates).extracting(state -> state.activity)
                .containsExactlyInAnyOrder(CpuState.Activity.RUNNING, CpuState.Activity.WAIT_FOR_SIPI, CpuState.Activity.WAIT_FOR_SIPI);
    }

    @Test
    void anEngineThatCannotGoOnIsAHostFailureWithWhereItWas() throws InterruptedException {
        VmExit fatal = new VmExit.Fatal("no such instruction", "64-bit mode", 0x1234, new byte[] {0x0f, 0x04});
        MachineResult result = run(config().build(), (cpu, io) -> fatal);
        assertThat(result).isInstanceOfSatisfying(MachineResult.HostFailure.class,
                failure -> assertThat(failure.cause()).hasMessageContaining("0x1234").hasMessageContaining("0f 04"));
    }

    @Test
    void whatAVcpuThreadThrowsIsAHostFailure() throws InterruptedException {
        AssertionError bug = new AssertionError("a bug of ours");
        assertThat(run(config().cpus(2).build(), (cpu, io) -> {
            throw bug;
        })).isEqualTo(new MachineResult.HostFailure(bug));
    }

    @Test
    void serialInputWaitsUntilTheGuestTakesIt() throws InterruptedException {
        String text = "more than a FIFO of sixteen bytes holds";
        StringBuilder heard = new StringBuilder();
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            while (heard.length() < text.length()) {
                if ((io.portRead(COM1 + 5, 1) & 1) != 0) heard.append((char) io.portRead(COM1, 1));
            }
            powerOff(io);
            return cpu.halt();
        });
        try (Machine machine = Machine.create(config().build(), toConsole, host(engine))) {
            machine.start();
            assertThat(machine.serialInput().feed(text.getBytes(StandardCharsets.US_ASCII), 0, text.length())).isTrue();
            machine.await();
            assertThat(heard).hasToString(text);
            assertThat(machine.serialInput().feed(new byte[1], 0, 1)).isFalse();
        }
    }

    @Test
    void thePowerButtonReachesTheGuest() throws InterruptedException {
        CountDownLatch ready = new CountDownLatch(1);
        CountDownLatch pressed = new CountDownLatch(1);
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            ready.countDown();
            pressed.await();
            assertThat(io.portRead(0x600, 2) & 0x100).isEqualTo(0x100);
            powerOff(io);
            return cpu.halt();
        });
        try (Machine machine = Machine.create(config().build(), toConsole, host(engine))) {
            machine.start();
            ready.await();
            machine.powerButton();
            pressed.countDown();
            assertThat(machine.await()).isEqualTo(new MachineResult.PoweredOff());
        }
    }

    @Test
    void twoMachinesRunInOneJvm() throws InterruptedException {
        CountDownLatch both = new CountDownLatch(2);
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            both.countDown();
            both.await();
            powerOff(io);
            return cpu.halt();
        });
        try (Machine one = Machine.create(config().build(), toConsole, host(engine));
                Machine two = Machine.create(config().build(), toConsole, host(engine))) {
            one.start();
            two.start();
            assertThat(one.await()).isEqualTo(two.await()).isEqualTo(new MachineResult.PoweredOff());
        }
    }

    @Test
    void whatCannotBeBootedLeavesNothingBehind() throws IOException {
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> cpu.halt());
        MachineConfig missingModule = config().initrd(directory.resolve("absent").toString()).build();
        assertThatThrownBy(() -> Machine.create(missingModule, toConsole, host(engine))).isInstanceOf(BootException.class);
        Files.write(directory.resolve("large"), new byte[5 << 20]);
        MachineConfig tooLarge = config().initrd(directory.resolve("large").toString()).build();
        assertThatThrownBy(() -> Machine.create(tooLarge, toConsole, host(engine)))
                .isInstanceOf(BootException.class).hasMessageContaining("--memory");
        assertThat(engine.openVms).hasValue(0);
    }

    @Test
    void theFirstEngineThatCanRunIsTaken() {
        Availability software = new Availability.Unavailable(Availability.Reason.SOFTWARE_ONLY, "no vmx", "");
        Availability denied = new Availability.Unavailable(Availability.Reason.NO_PERMISSION, "/dev/kvm: permission denied",
                "sudo usermod -aG kvm $USER");
        ScriptedHypervisor.Script none = (cpu, io) -> cpu.halt();
        Hypervisor jvm = new ScriptedHypervisor(none);
        Hypervisor kvm = new ScriptedHypervisor("kvm", new Availability.Available(), none);
        Hypervisor slowKvm = new ScriptedHypervisor("kvm", software, none);
        Hypervisor deniedKvm = new ScriptedHypervisor("kvm", denied, none);
        assertThat(Engines.pick(Accel.AUTO, List.of(jvm, kvm))).isEqualTo(new Engines.Choice(kvm, Optional.empty()));
        assertThat(Engines.pick(Accel.AUTO, List.of(jvm, slowKvm)))
                .isEqualTo(new Engines.Choice(jvm, Optional.of("engine jvm, not kvm: no vmx")));
        assertThat(Engines.pick(Accel.AUTO, List.of(deniedKvm, jvm)).remark())
                .contains("engine jvm, not kvm: /dev/kvm: permission denied  -> sudo usermod -aG kvm $USER");
        assertThat(Engines.pick(Accel.KVM, List.of(jvm, slowKvm))).isEqualTo(new Engines.Choice(slowKvm, Optional.empty()));
        assertThatThrownBy(() -> Engines.pick(Accel.KVM, List.of(jvm, deniedKvm)))
                .isInstanceOf(HypervisorException.class).hasMessageContaining("usermod");
        assertThatThrownBy(() -> Engines.pick(Accel.AUTO, List.of(deniedKvm)))
                .isInstanceOf(HypervisorException.class).hasMessageContaining("permission denied");
        assertThatThrownBy(() -> Engines.pick(Accel.KVM, List.of(jvm)))
                .isInstanceOf(HypervisorException.class).hasMessageContaining("there is: jvm");
    }
}
