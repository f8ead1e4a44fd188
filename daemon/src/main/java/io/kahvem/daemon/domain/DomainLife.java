package io.kahvem.daemon.domain;

import io.kahvem.daemon.LazyLogger;
import io.kahvem.daemon.StateFiles;
import io.kahvem.daemon.rpc.Client;
import io.kahvem.host.Descriptor;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Starting machines, driving them and hearing of their ends. A machine's process tells on its own thread; what it tells is worked on by
/// one thread, in order, under the domain's job like any other change.
public final class DomainLife {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.domain");

    /// virDomainCreateFlags.
    private static final int START_PAUSED = 1;
    private static final int START_AUTODESTROY = 2;
    private static final int START_VALIDATE = 16;

    private final DomainRegistry registry;
    private final DomainPublisher events;
    private final MachineLauncher launcher;
    private final Path runtime;
    private final StateFiles statuses;
    private final AtomicInteger nextId = new AtomicInteger(1);
    private final ExecutorService happenings = Executors.newSingleThreadExecutor(
            task -> Thread.ofPlatform().daemon().name("machine events").unstarted(task));

    public DomainLife(DomainRegistry registry, MachineLauncher launcher, Path runtime) {
        this.registry = registry;
        this.events = registry.events();
        this.launcher = launcher;
        this.runtime = runtime;
        this.statuses = StateFiles.ofThisBoot(runtime.resolve("domains"));
    }

    // ---- after a start of the daemon

    /// Finds the machines that the daemon before this one left running; one that is gone meanwhile has crashed. Returns when all of them
    /// are there, running as they last did, without waiting for them to answer; until one has, it can be asked but not changed.
    public void findRunning() {
        statuses.loadAllAtOnce(text -> {
            DomainStatus status = DomainStatus.parse(text);
            nextId.accumulateAndGet(status.id() + 1, Math::max);
            Domain domain = registry.running(status.live());
            CountDownLatch there = new CountDownLatch(1);
            Thread.startVirtualThread(() -> {
                try {
                    domain.change("reconnect", () -> reconnect(domain, status, there));
                } catch (RuntimeException e) {
                    LOG.log(Level.ERROR, "machine " + status.live().name() + " cannot be found again", e);
                } finally {
                    there.countDown();
                }
            });
            await(there);
        });
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.internal("interrupted");
        }
    }

    /// @param there is told when the machine is there
    private void reconnect(Domain domain, DomainStatus status, CountDownLatch there) {
        String name = status.live().name();
        if (status.isStarting()) {
            LOG.log(Level.WARNING, "the daemon ended while machine {0} was starting: what there is of it is ended too", name);
            gone(domain, status, DomainState.SHUTOFF_FAILED);
            return;
        }
        Follower follower = new Follower(domain);
        try {
            MachineProcess process = launcher.find(status.pid(), status.startTicks(), status.live(), runtime, follower);
            domain.running(new Domain.Running(status.id(), status.started(), status.live(), false, status.autoDestroy(),
                    process));
            follower.process = process;
            domain.state(status.state());
            if (!status.autoDestroy()) there.countDown();
            DomainState state = found(process, status, follower);
            if (state != status.state()) {
                become(domain, state, state.isRunning() ? Lifecycle.RESUMED_UNPAUSED : Lifecycle.SUSPENDED_PAUSED);
            }
            if (status.autoDestroy()) destroy(domain);
        } catch (LibvirtException e) {
            LOG.log(Level.WARNING, "machine {0} is gone: {1}", name, e.getMessage());
            boolean wasThere = domain.isActive();
            DomainRef ref = domain.ref();
            gone(domain, status, DomainState.SHUTOFF_CRASHED);
            if (wasThere) events.lifecycle(ref, Lifecycle.STOPPED_CRASHED);
        }
    }

    /// How a machine stands that was found running; one that was to start over does so, if its guest has switched it off meanwhile.
    private static DomainState found(MachineProcess process, DomainStatus status, Follower follower) {
        if (status.startsOver()) process.keepAtShutdown(true);
        if (process.isRunning()) return status.state().isRunning() ? status.state() : DomainState.RUNNING_UNPAUSED;
        if (status.state().isPaused()) return status.state();
        if (!status.startsOver()) return DomainState.PAUSED_UNKNOWN;
        follower.startOver(process);
        return status.state();
    }

    private void gone(Domain domain, DomainStatus status, DomainState state) {
        launcher.sweep(status.live(), runtime);
        statuses.delete(status.live().name());
        domain.stopped(state);
        registry.forgetTransient(domain, status.live().name());
    }

    /// Starts what is to start with the host: once a boot.
    public void autostart() {
        for (Domain domain : registry.all()) {
            if (!domain.isAutostart() || domain.isActive()) continue;
            try {
                start(domain, 0, null);
            } catch (LibvirtException e) {
                LOG.log(Level.ERROR, "machine {0} does not start: {1}", domain.name(), e.getMessage());
            }
        }
    }

    // ---- start

    /// @param client whose connection's end ends the machine too, where the flags say so
    public void start(Domain domain, int flags, @Nullable Client client) {
        domain.change("virDomainCreateWithFlags", () -> {
            DomainDefinition config = domain.config();
            if (domain.isActive()) throw Errors.invalid("domain is already running");
            if (config == null) throw Errors.invalid("transient domain");
            launch(domain, config, flags, client);
        });
    }

    /// Starts a machine that is gone when it ends, unless it is defined.
    public Domain create(String document, int flags, @Nullable Client client) {
        DomainDefinition definition = DomainDefinition.parse(document, (flags & START_VALIDATE) != 0, registry.types());
        Domain domain = registry.addTransient(definition);
        return domain.change("virDomainCreateXML", () -> {
            if (domain.isActive()) throw Errors.invalid("domain '%s' is already active", definition.name());
            try {
                launch(domain, definition, flags, client);
            } catch (LibvirtException e) {
                registry.forgetTransient(domain, definition.name());
                throw e;
            }
            return domain;
        });
    }

    private void launch(Domain domain, DomainDefinition definition, int flags, @Nullable Client client) {
        DomainFiles.require(definition);
        int id = nextId.getAndIncrement();
        DomainDefinition live = LiveDefinition.of(definition);
        Follower follower = new Follower(domain);
        // Before there is a process, so that the next daemon finds it whenever this one ends.
        statuses.write(live.name(), DomainStatus.starting(id, definition, live).print());
        MachineProcess process;
        try {
            process = launcher.start(live, runtime, follower);
        } catch (RuntimeException e) {
            statuses.delete(live.name());
            throw e;
        }
        boolean autoDestroy = (flags & START_AUTODESTROY) != 0;
        try {
            Domain.Running running = new Domain.Running(id, definition, LiveDefinition.withTerminal(live, process.terminal()), false,
                    autoDestroy, process);
            domain.running(running);
            domain.state(DomainState.PAUSED_STARTING_UP);
            follower.process = process;
            if (definition.currentMemoryKib() < definition.memoryKib()) process.balloon(definition.currentMemoryKib());
            DomainThrottles.of(live).forEach(process::throttle);
            if ((flags & START_PAUSED) == 0) {
                process.resume();
                domain.state(DomainState.RUNNING_BOOTED);
            }
            save(domain);
        } catch (RuntimeException e) {
            process.destroy();
            process.tidy();
            statuses.delete(live.name());
            domain.running(null);
            domain.state(DomainState.SHUTOFF_FAILED);
            throw e;
        }
        events.lifecycle(domain.ref(), Lifecycle.STARTED_BOOTED);
        if (domain.state().isRunning()) events.lifecycle(domain.ref(), Lifecycle.RESUMED_UNPAUSED);
        else events.lifecycle(domain.ref(), Lifecycle.SUSPENDED_PAUSED);
        if (autoDestroy && client != null) client.onClose(() -> Thread.startVirtualThread(() -> destroyIfStill(domain, process)));
    }

    private void save(Domain domain) {
        save(domain, domain.requireRunning().process().keepsAtShutdown());
    }

    private void save(Domain domain, boolean startsOver) {
        Domain.Running now = domain.requireRunning();
        DomainStatus status = new DomainStatus(now.id(), now.process().pid(), now.process().startTicks(), domain.state(), startsOver,
                now.autoDestroy(), now.started(), now.live());
        statuses.write(now.live().name(), status.print());
    }

    private void destroyIfStill(Domain domain, MachineProcess process) {
        domain.change("autodestroy", () -> {
            Domain.Running now = domain.running();
            if (now != null && now.process().pid() == process.pid()) destroy(domain);
        });
    }

    // ---- while it runs

    public void suspend(Domain domain) {
        domain.change("virDomainSuspend", () -> {
            Domain.Running now = domain.requireRunning();
            if (domain.state().isPaused()) return;
            now.process().pause();
            become(domain, DomainState.PAUSED_USER, Lifecycle.SUSPENDED_PAUSED);
        });
    }

    public void resume(Domain domain) {
        domain.change("virDomainResume", () -> {
            Domain.Running now = domain.requireRunning();
            if (domain.state().isRunning()) throw Errors.invalid("domain is already running");
            now.process().resume();
            become(domain, DomainState.RUNNING_UNPAUSED, Lifecycle.RESUMED_UNPAUSED);
        });
    }

    private void become(Domain domain, DomainState state, Lifecycle what) {
        domain.state(state);
        save(domain);
        events.lifecycle(domain.ref(), what);
    }

    public void reset(Domain domain) {
        domain.change("virDomainReset", () -> domain.requireRunning().process().reset());
    }

    public void injectNmi(Domain domain) {
        domain.change("virDomainInjectNMI", () -> domain.requireRunning().process().injectNmi());
    }

    /// @param keys QEMU's numbers of them
    /// @param holdMillis 0 for as long as usual
    public void pressKeys(Domain domain, List<Integer> keys, int holdMillis) {
        domain.change("virDomainSendKey", () -> domain.requireRunning().process().pressKeys(keys, holdMillis));
    }

    /// A command for the machine's own monitor, with descriptors, and its answer.
    public String command(Domain domain, String command, boolean human, List<Descriptor> descriptors) {
        return domain.requireRunning().process().command(command, human, descriptors);
    }

    /// Presses the power button: a guest that listens to it switches itself off.
    public void shutdown(Domain domain) {
        domain.change("virDomainShutdown", () -> {
            MachineProcess process = domain.requireRunning().process();
            // A reboot that was asked for before and has not happened is not wanted any more.
            if (process.keepsAtShutdown()) {
                process.keepAtShutdown(false);
                save(domain);
            }
            process.pressPowerButton();
        });
    }

    /// The same, and the machine starts over where the guest switches it off.
    public void reboot(Domain domain) {
        domain.change("virDomainReboot", () -> {
            MachineProcess process = domain.requireRunning().process();
            // Noted before the machine knows, so that whenever this daemon ends the next one has the machine start over.
            save(domain, true);
            process.keepAtShutdown(true);
            process.pressPowerButton();
        });
    }

    public void destroy(Domain domain) {
        domain.change("virDomainDestroy", () -> {
            Domain.Running now = domain.requireRunning();
            now.process().destroy();
            stopped(domain, DomainState.SHUTOFF_DESTROYED, Lifecycle.STOPPED_DESTROYED);
        });
    }

    private void stopped(Domain domain, DomainState state, Lifecycle what) {
        Domain.Running now = domain.requireRunning();
        String name = now.live().name();
        DomainRef ref = domain.ref();
        now.process().tidy();
        statuses.delete(name);
        domain.stopped(state);
        registry.forgetTransient(domain, name);
        events.lifecycle(ref, what);
    }

    /// Leaves all machines running, for the next daemon.
    public void release() {
        happenings.shutdown();
        for (Domain domain : registry.all()) {
            Optional.ofNullable(domain.running()).ifPresent(now -> now.process().release());
        }
    }

    /// What one process tells.
    private final class Follower implements MachineLauncher.Listener {
        private final Domain domain;
        private volatile @Nullable MachineProcess process;
        private boolean shutDown;
        private boolean startingOver;

        Follower(Domain domain) {
            this.domain = domain;
        }

        /// A machine whose guest has switched it off begins anew: [#reset] goes on where it has been reset.
        void startOver(MachineProcess stopped) {
            startingOver = true;
            stopped.reset();
        }

        /// Runs `action` with the domain's job, if the domain still runs this process.
        private void happened(Consumer<Domain.Running> action) {
            if (happenings.isShutdown()) return;
            happenings.execute(() -> {
                try {
                    domain.change("machine event", () -> {
                        Domain.Running now = domain.running();
                        MachineProcess mine = process;
                        if (now != null && (mine == null || now.process().pid() == mine.pid())) action.accept(now);
                    });
                } catch (RuntimeException e) {
                    LOG.log(Level.WARNING, "machine " + domain.uuid(), e);
                }
            });
        }

        @Override
        public void paused() {
            happened(now -> {
                if (!startingOver && domain.state().isRunning() && !now.process().isRunning()) {
                    become(domain, DomainState.PAUSED_UNKNOWN, Lifecycle.SUSPENDED_PAUSED);
                }
            });
        }

        @Override
        public void resumed() {
            happened(now -> {
                if (domain.state().isPaused() && now.process().isRunning()) {
                    become(domain, DomainState.RUNNING_UNPAUSED, Lifecycle.RESUMED_UNPAUSED);
                }
            });
        }

        @Override
        public void reset() {
            happened(now -> {
                events.reboot(domain.ref());
                if (!startingOver) return;
                startingOver = false;
                now.process().keepAtShutdown(false);
                now.process().resume();
                save(domain);
            });
        }

        @Override
        public void shutdown(boolean byGuest) {
            happened(now -> {
                if (now.process().keepsAtShutdown()) {
                    startOver(now.process());
                    return;
                }
                shutDown = true;
                domain.state(DomainState.SHUTDOWN_USER);
                events.lifecycle(domain.ref(), byGuest ? Lifecycle.SHUTDOWN_GUEST : Lifecycle.SHUTDOWN_HOST);
            });
        }

        @Override
        public void balloonChanged(long kib) {
            happened(now -> events.balloonChange(domain.ref(), kib));
        }

        @Override
        public void trayMoved(String alias, boolean open) {
            happened(now -> events.trayChange(domain.ref(), alias, open));
        }

        @Override
        public void ended() {
            happened(now -> {
                DomainDefinition started = now.started();
                if (shutDown) stopped(domain, DomainState.SHUTOFF_SHUTDOWN, Lifecycle.STOPPED_SHUTDOWN);
                else stopped(domain, DomainState.SHUTOFF_CRASHED, Lifecycle.STOPPED_CRASHED);
                String action = started.action(shutDown ? "on_poweroff" : "on_crash");
                if (domain.isPersistent() && action.equals("restart") && shutDown) start(domain, 0, null);
            });
        }
    }
}
