package io.kahvem.vmm;

import static io.kahvem.vmm.TestMachines.host;
import static io.kahvem.vmm.TestMachines.powerOff;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.config.Actions;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.Management;
import io.kahvem.config.PanicAction;
import io.kahvem.config.ShutdownAction;
import io.kahvem.devices.ByteSink;
import io.kahvem.host.HostMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowingConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Stopping, going on, reset from outside, and what listeners are told of it.
@Timeout(20)
class MachineLifeTest {
    @TempDir
    Path directory;

    private Path kernel;
    private final List<MachineEvent> events = new CopyOnWriteArrayList<>();
    private final AtomicInteger boots = new AtomicInteger();
    private final CountDownLatch running = new CountDownLatch(1);
    private final ScriptedHypervisor halting = new ScriptedHypervisor((cpu, io) -> {
        boots.incrementAndGet();
        running.countDown();
        return cpu.halt();
    });

    @BeforeEach
    void writeKernel() throws IOException {
        kernel = TestMachines.writeKernel(directory);
    }

    private MachineConfig.Builder config() {
        return MachineConfig.builder().memory("4M").kernel(kernel);
    }

    private Machine machine(MachineConfig config, ScriptedHypervisor engine) {
        Machine machine = Machine.create(config, ByteSink.DISCARD, host(engine));
        machine.listen(events::add);
        return machine;
    }

    @Test
    void aMachineStopsAndGoesOnWhereItWas() throws InterruptedException {
        try (Machine machine = machine(config().cpus(3).build(), halting)) {
            machine.start();
            running.await();
            assertThat(machine.state()).isEqualTo(RunState.RUNNING);
            assertThat(machine.pause()).isTrue();
            assertThat(machine.state()).isEqualTo(RunState.PAUSED);
            assertThat(halting.timeStopped).isTrue();
            assertThat(machine.pause()).isTrue();
            assertThat(machine.resume()).isTrue();
            assertThat(halting.timeStopped).isFalse();
            assertThat(machine.resume()).isTrue();
            assertThat(machine.state()).isEqualTo(RunState.RUNNING);
            machine.stop(ShutdownCause.HOST_QMP_QUIT);
            machine.await();
        }
        assertThat(boots).hasValue(1);
        assertThat(halting.startStates).hasSize(3);
        assertThat(events).containsExactly(
                new MachineEvent.Stopped(), new MachineEvent.Resumed(), new MachineEvent.Shutdown(ShutdownCause.HOST_QMP_QUIT));
    }

    @Test
    void aMachineThatStartsStoppedRunsNothingBeforeItIsResumed() throws InterruptedException {
        Management paused = new Management(Optional.empty(), Optional.empty(), List.of(directory.resolve("qmp")), true, false);
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            boots.incrementAndGet();
            powerOff(io);
            return cpu.halt();
        });
        try (Machine machine = machine(config().management(paused).build(), engine)) {
            machine.start();
            assertThat(machine.state()).isEqualTo(RunState.PRELAUNCH);
            assertThat(machine.pause()).isTrue();
            assertThat(boots).hasValue(0);
            machine.resume();
            assertThat(machine.await()).isEqualTo(new MachineResult.PoweredOff());
        }
        assertThat(events).containsExactly(new MachineEvent.Resumed(), new MachineEvent.Shutdown(ShutdownCause.GUEST_SHUTDOWN));
    }

    @Test
    void aResetFromOutsideStartsTheGuestAgain() throws InterruptedException {
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            running.countDown();
            if (cpu.boot() == 2) powerOff(io);
            return cpu.halt();
        });
        try (Machine machine = machine(config().build(), engine)) {
            machine.start();
            running.await();
            machine.reset();
            assertThat(machine.await()).isEqualTo(new MachineResult.PoweredOff());
            assertThat(machine.statistics().resets()).isEqualTo(1);
        }
        assertThat(events).containsExactly(
                new MachineEvent.Reset(ShutdownCause.HOST_QMP_SYSTEM_RESET), new MachineEvent.Shutdown(ShutdownCause.GUEST_SHUTDOWN));
    }

    @Test
    void aResetOfAStoppedMachineLeavesItStopped() throws InterruptedException {
        CountDownLatch reset = new CountDownLatch(1);
        try (Machine machine = machine(config().build(), halting)) {
            machine.listen(event -> {
                if (event instanceof MachineEvent.Reset) reset.countDown();
            });
            machine.start();
            running.await();
            machine.pause();
            machine.reset();
            reset.await();
            assertThat(machine.state()).isEqualTo(RunState.PRELAUNCH);
            assertThat(boots).hasValue(1);
            machine.resume();
            machine.pause();
            machine.resume();
            assertThat(machine.state()).isEqualTo(RunState.RUNNING);
        }
    }

    @Test
    void aResetEndsAMachineThatIsNotToReboot() throws InterruptedException {
        try (Machine machine = machine(config().noReboot(true).build(), halting)) {
            machine.start();
            running.await();
            machine.reset();
            assertThat(machine.await()).isEqualTo(new MachineResult.ResetRequested(ShutdownCause.HOST_QMP_SYSTEM_RESET));
        }
        assertThat(events).containsExactly(new MachineEvent.Shutdown(ShutdownCause.HOST_QMP_SYSTEM_RESET));
    }

    @Test
    void aStoppedMachineCanEnd() throws InterruptedException {
        try (Machine machine = machine(config().build(), halting)) {
            machine.start();
            machine.pause();
            machine.stop();
            assertThat(machine.await()).isEqualTo(new MachineResult.Stopped(ShutdownCause.HOST_UI));
            assertThat(machine.state()).isEqualTo(RunState.SHUTDOWN);
            assertThat(machine.pause()).isFalse();
            assertThat(machine.resume()).isFalse();
        }
    }

    @Test
    void whatAStoppedMachineRanIsCountedInTheHostsTime() {
        HandMovedLoop loop = new HandMovedLoop();
        MachineHost host = new MachineHost(
                HostMemory.system(), handler -> loop, List.of(halting), () -> new byte[0]);
        try (Machine machine = Machine.create(config().build(), ByteSink.DISCARD, host)) {
            machine.start();
            machine.pause();
            loop.advance(1_000_000_000);
            machine.resume();
            assertThat(machine.statistics().running()).isEqualTo(Duration.ofSeconds(1)); // the host's time went on
        }
    }

    @Test
    void theButtonsReachTheGuestAndTheListeners() throws InterruptedException {
        try (Machine machine = machine(config().build(), halting)) {
            machine.start();
            running.await();
            machine.powerButton();
            machine.injectNmi();
            assertThat(halting.nmis).hasValue(1);
            assertThat(events).containsExactly(new MachineEvent.PowerDown());
        }
    }

    /// A guest that tells its panic once and then, in each of its lives, halts.
    private List<MachineEvent> panicUnder(PanicAction action, ThrowingConsumer<Machine> then) throws InterruptedException {
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            assertThat(io.portRead(0x505, 1)).isEqualTo(3);
            io.portWrite(0x505, 1, 1);
            running.countDown();
            return cpu.halt();
        });
        try (Machine machine = machine(config().actions(Actions.DEFAULT.with(action)).build(), engine)) {
            machine.start();
            running.await();
            then.accept(machine);
        }
        return events;
    }

    @Test
    void aPanicIsToldAndTheGuestGoesOn() throws InterruptedException {
        assertThat(panicUnder(PanicAction.NONE, machine -> assertThat(machine.state()).isEqualTo(RunState.RUNNING)))
                .startsWith(new MachineEvent.Panicked(PanicAction.NONE));
    }

    @Test
    void aPanicStopsTheMachineWhereThatIsAskedFor() throws InterruptedException {
        assertThat(panicUnder(PanicAction.PAUSE, machine -> {
            machine.pause();
            assertThat(machine.state()).isEqualTo(RunState.GUEST_PANICKED);
            machine.resume();
            assertThat(machine.state()).isEqualTo(RunState.RUNNING);
        })).startsWith(new MachineEvent.Panicked(PanicAction.PAUSE), new MachineEvent.Stopped(), new MachineEvent.Resumed());
    }

    @Test
    void aPanicEndsTheMachineWhereThatIsAskedFor() throws InterruptedException {
        assertThat(panicUnder(PanicAction.EXIT_FAILURE,
                machine -> assertThat(machine.await()).isEqualTo(new MachineResult.Panicked(true))))
                .containsExactly(new MachineEvent.Panicked(PanicAction.EXIT_FAILURE), new MachineEvent.Shutdown(ShutdownCause.GUEST_PANIC));
    }

    @Test
    void aMachineWhoseGuestSwitchesItselfOffStaysWhereThatIsAskedFor() throws InterruptedException {
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            if (cpu.boot() == 1) powerOff(io);
            running.countDown();
            return cpu.halt();
        });
        try (Machine machine = machine(config().actions(Actions.DEFAULT.with(ShutdownAction.PAUSE)).build(), engine)) {
            machine.start();
            running.await();
            machine.pause();
            assertThat(machine.state()).isEqualTo(RunState.SHUTDOWN);
            assertThat(machine.ended()).isNotDone();
            machine.reset();
            machine.resume();
            machine.stop();
            machine.await();
        }
        assertThat(events).startsWith(new MachineEvent.Shutdown(ShutdownCause.GUEST_SHUTDOWN), new MachineEvent.Stopped());
    }

    /// As a manager does that hears of the guest's switching off before the vCPUs have stopped.
    @Test
    void aResetAskedForWhileTheGuestSwitchesItselfOffComesAfterTheStop() throws InterruptedException {
        AtomicInteger starts = new AtomicInteger();
        CountDownLatch again = new CountDownLatch(1);
        ScriptedHypervisor engine = new ScriptedHypervisor((cpu, io) -> {
            if (starts.incrementAndGet() == 1) powerOff(io);
            else again.countDown();
            return cpu.halt();
        });
        CountDownLatch reset = new CountDownLatch(1);
        try (Machine machine = machine(config().actions(Actions.DEFAULT.with(ShutdownAction.PAUSE)).build(), engine)) {
            machine.listen(event -> {
                if (event instanceof MachineEvent.Shutdown) machine.reset();
                if (event instanceof MachineEvent.Reset) reset.countDown();
            });
            machine.start();
            reset.await();
            machine.pause();
            assertThat(machine.state()).isEqualTo(RunState.PRELAUNCH);
            assertThat(machine.resume()).isTrue();
            again.await();
            machine.stop();
            machine.await();
        }
        assertThat(events).startsWith(new MachineEvent.Shutdown(ShutdownCause.GUEST_SHUTDOWN), new MachineEvent.Stopped(),
                new MachineEvent.Reset(ShutdownCause.HOST_QMP_SYSTEM_RESET), new MachineEvent.Resumed());
    }

    @Test
    void aMachineThatWasNotStartedCannotBeStopped() {
        try (Machine machine = machine(config().build(), halting)) {
            assertThatThrownBy(machine::pause).isInstanceOf(IllegalStateException.class);
        }
    }
}
