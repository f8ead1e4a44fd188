package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One machine: what it is to be, what it is now, and how it stands. What changes it holds the domain's job; what asks takes no lock and
/// sees one state or the next.
public final class Domain {
    /// How long a change waits for another one.
    private static final long JOB_SECONDS = 30;

    private final UUID uuid;
    private final ReentrantLock job = new ReentrantLock(true);
    private volatile String jobHolder = "";

    private volatile @Nullable DomainDefinition config;
    private volatile @Nullable Running running;
    private volatile DomainState state = DomainState.SHUTOFF_UNKNOWN;
    private volatile long stateNanos = System.nanoTime();
    private volatile boolean autostart;
    /// What a transient machine was that has not started, or runs no more.
    private volatile DomainDefinition last;

    /// One that is about to be defined or started.
    Domain(DomainDefinition first) {
        this.uuid = first.uuid();
        this.last = first;
    }

    /// What there is of a domain only while it runs.
    ///
    /// @param started what it was started as
    /// @param live what it is now: with aliases, ports, media
    /// @param autoDestroy whether it ends with the connection that started it
    record Running(
            int id, DomainDefinition started, DomainDefinition live, boolean changed, boolean autoDestroy, MachineProcess process) {
        Running with(DomainDefinition live) {
            return new Running(id, started, live, true, autoDestroy, process);
        }
    }

    /// Changes it with nobody else changing it. `what` is the libvirt function, for the message of one that waits in vain.
    <T> T change(String what, Supplier<T> action) {
        try {
            if (!job.tryLock(JOB_SECONDS, TimeUnit.SECONDS)) {
                throw LibvirtException.of(ErrorCode.OPERATION_TIMEOUT, ErrorDomain.QEMU,
                        "cannot acquire state change lock (held by %s)".formatted(jobHolder));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.internal("interrupted");
        }
        String before = jobHolder;
        jobHolder = what;
        try {
            return action.get();
        } finally {
            jobHolder = before;
            job.unlock();
        }
    }

    void change(String what, Runnable action) {
        change(what, () -> {
            action.run();
            return true;
        });
    }

    public UUID uuid() {
        return uuid;
    }

    public String name() {
        return definition().name();
    }

    /// The number of a running machine, -1 otherwise.
    public int id() {
        Running now = running;
        return now == null ? -1 : now.id();
    }

    public DomainRef ref() {
        return new DomainRef(name(), uuid, id());
    }

    /// What it is now: the live description of one that runs, else the one it will start as.
    public DomainDefinition definition() {
        Running now = running;
        if (now != null) return now.live();
        DomainDefinition next = config;
        return next == null ? last : next;
    }

    /// The description it will start as; null for a transient one.
    @Nullable DomainDefinition config() {
        return config;
    }

    @Nullable Running running() {
        return running;
    }

    public boolean isActive() {
        return running != null;
    }

    /// Its process, while it runs.
    public Optional<Long> pid() {
        Running now = running;
        return now == null ? Optional.empty() : Optional.of(now.process().pid());
    }

    /// The host's numbers of the threads that are its vCPUs; none where it does not run.
    public List<Long> vcpuThreads() {
        Running now = running;
        return now == null ? List.of() : now.process().vcpuThreads();
    }

    /// What a guest has of its memory now, KiB.
    public long currentMemoryKib() {
        Running now = running;
        if (now == null) return definition().currentMemoryKib();
        return now.process().balloonKib().orElse(now.live().memoryKib());
    }

    public boolean isPersistent() {
        return config != null;
    }

    public boolean isAutostart() {
        return autostart;
    }

    public DomainState state() {
        return state;
    }

    /// How long it has been in its state, in milliseconds.
    public long stateMillis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - stateNanos);
    }

    /// Whether the running machine is no longer what it was started as.
    public boolean isUpdated() {
        Running now = running;
        return now != null && now.changed();
    }

    /// The description in print: of the running machine, or with `inactive` of what it will start as. Without `secure` there are no
    /// passwords in it.
    public String describe(boolean inactive, boolean secure) {
        Running now = running;
        DomainDefinition next = config;
        DomainDefinition definition = now == null ? definition() : !inactive ? now.live() : next != null ? next : now.started();
        Element tree = definition.tree();
        if (now != null && !inactive) tree.with("id", now.id());
        if (!secure) {
            Element devices = tree.childOrNew("devices");
            for (Element graphics : devices.children("graphics")) graphics.attributes().remove("passwd");
        }
        return tree.toString();
    }

    // ---- for the registry and its helpers, which hold the job

    void config(@Nullable DomainDefinition config) {
        this.config = config;
    }

    void running(@Nullable Running running) {
        if (running != null) last = running.started();
        this.running = running;
    }

    void state(DomainState state) {
        this.state = state;
        stateNanos = System.nanoTime();
    }

    /// It runs no more.
    void stopped(DomainState state) {
        running = null;
        state(state);
    }

    void autostart(boolean autostart) {
        this.autostart = autostart;
    }

    /// Throws where it does not run.
    Running requireRunning() {
        Running now = running;
        if (now == null) throw Errors.notRunning();
        return now;
    }
}
