package io.kahvem.daemon.domain;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.daemon.rpc.Events;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What becomes of a machine while a daemon ends and the next one begins.
final class DomainLifeTest {
    private static final MachineTypes TYPES = new MachineTypes(Path.of("/usr/bin/kahvem"), () -> false, 16, Path.of("/nvram"));
    private static final String MACHINE =
            "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os><devices/></domain>";

    @TempDir
    Path directory;

    private final Machine machine = new Machine();

    /// A machine of one process that no daemon's end ends, and the starter that finds it.
    private static final class Machine implements MachineLauncher {
        private final List<String> done = new CopyOnWriteArrayList<>();
        private final CompletableFuture<Boolean> startedOver = new CompletableFuture<>();
        private volatile boolean runs;
        private volatile boolean lost;
        private volatile CountDownLatch silent = new CountDownLatch(0);

        @Override
        public MachineProcess start(DomainDefinition definition, Path directory, Listener listener) {
            return process(listener);
        }

        @Override
        public MachineProcess find(long pid, long startTicks, DomainDefinition definition, Path directory, Listener listener) {
            return process(listener);
        }

        @Override
        public void sweep(DomainDefinition definition, Path directory) {
            done.add("sweep");
        }

        private MachineProcess process(Listener listener) {
            boolean[] keeps = new boolean[1];
            return (MachineProcess) Proxy.newProxyInstance(Machine.class.getClassLoader(), new Class<?>[] {MachineProcess.class},
                    (proxy, method, arguments) -> switch (method.getName()) {
                        case "pid", "startTicks" -> 7L;
                        case "terminal" -> "";
                        case "isAlive" -> true;
                        case "isRunning" -> {
                            silent.await();
                            if (lost) throw Errors.failed("the machine's control socket: closed");
                            yield runs;
                        }
                        case "keepsAtShutdown" -> keeps[0];
                        case "keepAtShutdown" -> {
                            keeps[0] = (boolean) arguments[0];
                            yield done.add("keep " + keeps[0]);
                        }
                        case "resume" -> {
                            runs = true;
                            if (done.contains("reset")) startedOver.complete(true);
                            yield done.add("resume");
                        }
                        case "reset" -> {
                            done.add("reset");
                            listener.reset();
                            yield true;
                        }
                        default -> done.add(method.getName());
                    });
        }
    }

    private DomainRegistry registry() {
        DomainRegistry registry = new DomainRegistry(TYPES, directory.resolve("state"), new DomainPublisher(new Events()));
        registry.load();
        return registry;
    }

    private DomainLife life(DomainRegistry registry) {
        return new DomainLife(registry, machine, directory.resolve("run"));
    }

    /// Does something with a running machine, whose daemon ends then.
    private void startAndEnd(BiConsumer<DomainLife, Domain> action) {
        DomainRegistry registry = registry();
        DomainLife life = life(registry);
        Domain domain = registry.define(MACHINE, false);
        life.start(domain, 0, null);
        action.accept(life, domain);
        life.release();
    }

    private void rebootAndEnd() {
        startAndEnd(DomainLife::reboot);
        assertThat(machine.done).contains("keep true", "pressPowerButton");
        machine.done.clear();
    }

    /// The machine in the next daemon, once it has answered.
    private Domain found() {
        DomainRegistry registry = registry();
        life(registry).findRunning();
        Domain domain = registry.byName("a");
        assertThat(domain.isActive()).isTrue();
        domain.change("its reconnection is over", () -> {});
        return domain;
    }

    @Test
    void aGuestThatSwitchesItselfOffForARebootWhileThereIsNoDaemonIsStartedOver() throws Exception {
        rebootAndEnd();
        machine.runs = false;
        Domain domain = found();
        assertThat(machine.startedOver.get(1, TimeUnit.MINUTES)).isTrue();
        // The machine's status is written after it goes on, under the same job.
        domain.change("test", () -> {});
        assertThat(machine.done).containsSubsequence("reset", "keep false", "resume");
        assertThat(domain.state()).isEqualTo(DomainState.RUNNING_BOOTED);
    }

    @Test
    void aRebootThatTheGuestHasNotComeToYetIsStillAReboot() {
        rebootAndEnd();
        Domain domain = found();
        assertThat(machine.done).containsExactly("keep true");
        assertThat(Optional.ofNullable(domain.running()).map(now -> now.process().keepsAtShutdown())).contains(true);
    }

    @Test
    void aMachineThatItsUserSuspendedStaysSo() {
        startAndEnd(DomainLife::suspend);
        machine.runs = false;
        machine.done.clear();
        Domain domain = found();
        assertThat(machine.done).isEmpty();
        assertThat(domain.state()).isEqualTo(DomainState.PAUSED_USER);
    }

    @Test
    void aMachineIsThereBeforeItAnswers() throws Exception {
        startAndEnd((life, domain) -> {});
        machine.silent = new CountDownLatch(1);
        DomainRegistry registry = registry();
        life(registry).findRunning();
        Domain domain = registry.byName("a");
        assertThat(domain.state()).isEqualTo(DomainState.RUNNING_BOOTED);
        machine.runs = false;
        machine.silent.countDown();
        domain.change("its reconnection is over", () -> {});
        assertThat(domain.state()).isEqualTo(DomainState.PAUSED_UNKNOWN);
    }

    @Test
    void aMachineThatDoesNotAnswerHasCrashed() {
        startAndEnd((life, domain) -> {});
        machine.lost = true;
        DomainRegistry registry = registry();
        life(registry).findRunning();
        Domain domain = registry.byName("a");
        domain.change("its reconnection is over", () -> {});
        assertThat(domain.state()).isEqualTo(DomainState.SHUTOFF_CRASHED);
        assertThat(machine.done).contains("sweep");
    }
}
