package io.kahvem.daemon.domain;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.daemon.rpc.Events;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What becomes of a machine while a daemon ends and the next one begins.
final class DomainLifeTest {
    private static final MachineTypes TYPES = new MachineTypes(Path.of("/usr/bin/kahvem"), false, 16, Path.of("/nvram"));
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
                        case "isRunning" -> runs;
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

    /// A running machine whose daemon was told to reboot it, and ended.
    private void rebootAndEnd() {
        DomainRegistry registry = registry();
        DomainLife life = life(registry);
        Domain domain = registry.define(MACHINE, false);
        life.start(domain, 0, null);
        life.reboot(domain);
        life.release();
        assertThat(machine.done).contains("keep true", "pressPowerButton");
        machine.done.clear();
    }

    @Test
    void aGuestThatSwitchesItselfOffForARebootWhileThereIsNoDaemonIsStartedOver() throws Exception {
        rebootAndEnd();
        machine.runs = false;
        DomainRegistry registry = registry();
        life(registry).findRunning();
        assertThat(machine.startedOver.get(1, TimeUnit.MINUTES)).isTrue();
        assertThat(machine.done).containsSubsequence("reset", "keep false", "resume");
        assertThat(registry.byName("a").state()).isEqualTo(DomainState.RUNNING_BOOTED);
    }

    @Test
    void aRebootThatTheGuestHasNotComeToYetIsStillAReboot() {
        rebootAndEnd();
        DomainRegistry registry = registry();
        life(registry).findRunning();
        assertThat(machine.done).containsExactly("keep true");
        assertThat(Optional.ofNullable(registry.byName("a").running()).map(now -> now.process().keepsAtShutdown())).contains(true);
    }

    @Test
    void aMachineThatItsUserSuspendedStaysSo() {
        DomainRegistry registry = registry();
        DomainLife life = life(registry);
        Domain domain = registry.define(MACHINE, false);
        life.start(domain, 0, null);
        life.suspend(domain);
        life.release();
        machine.runs = false;
        machine.done.clear();
        DomainRegistry next = registry();
        life(next).findRunning();
        assertThat(machine.done).isEmpty();
        assertThat(next.byName("a").state()).isEqualTo(DomainState.PAUSED_USER);
    }
}
