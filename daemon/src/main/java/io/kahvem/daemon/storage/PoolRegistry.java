package io.kahvem.daemon.storage;

import io.kahvem.daemon.LazyLogger;
import io.kahvem.daemon.StateFiles;
import io.kahvem.daemon.rpc.Events;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Storage;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// All pools, their files, and what is told of them. Under its own lock, which is taken before a pool's.
public final class PoolRegistry {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.storage");

    /// virStoragePoolEventLifecycleType.
    private enum Happened { DEFINED, UNDEFINED, STARTED, STOPPED, CREATED, DELETED }

    private final StateFiles definitions;
    private final StateFiles autostarts;
    private final StateFiles running;
    private final Events events;
    private final Map<String, Pool> pools = new TreeMap<>();

    public PoolRegistry(Path state, Path runtime, Events events) {
        this.definitions = StateFiles.lasting(state.resolve("storage"));
        this.autostarts = StateFiles.lasting(state.resolve("storage/autostart"));
        this.running = StateFiles.ofThisBoot(runtime.resolve("storage"));
        this.events = events;
    }

    /// Reads what was defined, and starts what was in use or is to be.
    public synchronized void load() {
        definitions.loadAll(text -> {
            Pool pool = new Pool(PoolDefinition.parse(text));
            pool.persistent(true);
            pools.put(pool.ref().name(), pool);
        });
        autostarts.loadAll(text -> find(text.strip()).ifPresent(pool -> pool.autostart(true)));
        running.loadAll(text -> {
            PoolDefinition definition = PoolDefinition.parse(text);
            startAgain(pools.computeIfAbsent(definition.name(), name -> new Pool(definition)));
        });
        for (Pool pool : List.copyOf(pools.values())) {
            if (pool.isAutostart() && !pool.isActive()) startAgain(pool);
        }
    }

    private void startAgain(Pool pool) {
        try {
            pool.start();
            running.write(pool.ref().name(), pool.describe());
        } catch (LibvirtException e) {
            LOG.log(Level.WARNING, "storage pool {0} cannot be used: {1}", pool.ref().name(), e.getMessage());
            running.delete(pool.ref().name());
            forgetTransient(pool);
        }
    }

    private Optional<Pool> find(String name) {
        return Optional.ofNullable(pools.get(name));
    }

    public synchronized List<Pool> all() {
        return new ArrayList<>(pools.values());
    }

    public synchronized Pool byName(String name) {
        return find(name).orElseThrow(() -> notFound("no storage pool with matching name '%s'".formatted(name)));
    }

    public synchronized Pool byRef(PoolRef ref) {
        return byUuid(ref.uuid(), "no storage pool with matching uuid '%s' (%s)".formatted(ref.uuid(), ref.name()));
    }

    public synchronized Pool byUuid(UUID uuid) {
        return byUuid(uuid, "no storage pool with matching uuid '%s'".formatted(uuid));
    }

    private Pool byUuid(UUID uuid, String otherwise) {
        return first(pool -> pool.ref().uuid().equals(uuid)).orElseThrow(() -> notFound(otherwise));
    }

    public synchronized Pool byTarget(String path) {
        return first(pool -> pool.definition().target().equals(Path.of(path).normalize()))
                .orElseThrow(() -> notFound("no storage pool with matching target path '%s'".formatted(path)));
    }

    private Optional<Pool> first(Predicate<Pool> which) {
        return pools.values().stream().filter(which).findFirst();
    }

    private static LibvirtException notFound(String detail) {
        return StorageErrors.of(ErrorCode.NO_STORAGE_POOL, "%s", detail);
    }

    /// A pool, and a volume in it.
    public record Found(Pool pool, Volume volume) {}

    /// The volume with that file, in whichever pool. Throws where there is none; `what` is what the caller named it by.
    public synchronized Found volume(String path, String what) {
        Path file = Path.of(path).normalize();
        for (Pool pool : pools.values()) {
            Optional<Volume> volume = pool.volumeAt(file);
            if (volume.isPresent()) return new Found(pool, volume.get());
        }
        throw StorageErrors.of(ErrorCode.NO_STORAGE_VOL, "no storage vol with matching %s '%s'", what, path);
    }

    // ---- changes

    public synchronized Pool define(String document) {
        PoolDefinition definition = PoolDefinition.parse(document);
        Pool before = admit(definition);
        definitions.write(definition.name(), definition.describe(Pool.Room.NONE));
        Pool pool = before == null ? new Pool(definition) : before;
        if (!pool.isActive()) pool.definition(definition);
        pool.persistent(true);
        pools.put(definition.name(), pool);
        tell(pool.ref(), Happened.DEFINED);
        return pool;
    }

    /// Starts a pool that is gone when it is stopped.
    public synchronized Pool create(String document, boolean build) {
        PoolDefinition definition = PoolDefinition.parse(document);
        Pool before = admit(definition);
        if (before != null && before.isActive()) throw StorageErrors.invalid("pool is already active");
        Pool pool = before == null ? new Pool(definition) : before;
        start(pool, build);
        pools.put(definition.name(), pool);
        return pool;
    }

    private @Nullable Pool admit(PoolDefinition definition) {
        Pool sameName = pools.get(definition.name());
        Optional<Pool> sameUuid = first(pool -> pool.ref().uuid().equals(definition.uuid()));
        if (sameUuid.isPresent() && !sameUuid.get().ref().name().equals(definition.name())) {
            throw StorageErrors.of(ErrorCode.OPERATION_FAILED, "pool '%s' is already defined with uuid %s", sameUuid.get().ref().name(),
                    definition.uuid());
        }
        if (sameName != null && sameUuid.isEmpty()) {
            throw StorageErrors.of(ErrorCode.OPERATION_FAILED, "pool '%s' already exists with uuid %s", definition.name(),
                    sameName.ref().uuid());
        }
        first(pool -> !pool.ref().name().equals(definition.name()) && pool.definition().target().equals(definition.target()))
                .ifPresent(other -> {
                    throw StorageErrors.of(ErrorCode.OPERATION_FAILED, "Storage source conflict with pool: '%s'", other.ref().name());
                });
        return sameName;
    }

    public synchronized void start(Pool pool, boolean build) {
        if (build) pool.build();
        pool.start();
        running.write(pool.ref().name(), pool.describe());
        tell(pool.ref(), Happened.STARTED);
    }

    public synchronized void stop(Pool pool) {
        PoolRef ref = pool.ref();
        pool.stop();
        running.delete(ref.name());
        forgetTransient(pool);
        tell(ref, Happened.STOPPED);
    }

    private void forgetTransient(Pool pool) {
        if (!pool.isPersistent()) pools.remove(pool.ref().name());
    }

    public void build(Pool pool) {
        pool.build();
        tell(pool.ref(), Happened.CREATED);
    }

    public void deleteDirectory(Pool pool) {
        pool.deleteDirectory();
        tell(pool.ref(), Happened.DELETED);
    }

    public synchronized void undefine(Pool pool) {
        PoolRef ref = pool.ref();
        if (pool.isActive()) throw StorageErrors.invalid("storage pool '%s' is still active", ref.name());
        definitions.delete(ref.name());
        autostarts.delete(ref.name());
        pools.remove(ref.name());
        tell(ref, Happened.UNDEFINED);
    }

    public synchronized void setAutostart(Pool pool, boolean autostart) {
        String name = pool.ref().name();
        if (!pool.isPersistent()) throw StorageErrors.invalid("pool has no config file");
        if (autostart) autostarts.write(name, name);
        else autostarts.delete(name);
        pool.autostart(autostart);
    }

    public void refresh(Pool pool) {
        pool.refresh();
        PoolRef ref = pool.ref();
        events.publish(Events.Family.POOL, 1, ref.uuid(), Storage.REFRESH, callback -> new Storage.Refresh(callback, ref));
    }

    private void tell(PoolRef ref, Happened what) {
        events.publish(Events.Family.POOL, 0, ref.uuid(), Storage.LIFECYCLE,
                callback -> new Storage.Lifecycle(callback, ref, what.ordinal(), 0));
    }
}
