package io.kahvem.daemon.service;

import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.daemon.storage.Pool;
import io.kahvem.daemon.storage.PoolCapabilities;
import io.kahvem.daemon.storage.PoolRegistry;
import io.kahvem.daemon.storage.Volume;
import io.kahvem.daemon.storage.VolumeMaker;
import io.kahvem.daemon.storage.VolumeStreams;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.Texts;
import io.kahvem.libvirt.protocol.Common.VolumeRef;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Storage;
import java.util.List;

/// Pools and volumes.
public final class StorageService {
    private static final int BUILD = 7; // any of virStoragePoolCreateFlags
    private static final int SPARSE = 1;
    private static final int INACTIVE = 1;
    private static final int ACTIVE = 1 << 1;
    private static final int PERSISTENT = 1 << 2;
    private static final int TRANSIENT = 1 << 3;
    private static final int AUTOSTART = 1 << 4;
    private static final int NO_AUTOSTART = 1 << 5;
    private static final int DIRECTORIES = 1 << 6;
    private static final int TYPES = ~0 << 6;
    private static final int RUNNING = 2;
    private static final int FILE = 0;
    private static final None NONE = new None();

    private final PoolRegistry pools;

    public StorageService(PoolRegistry pools) {
        this.pools = pools;
    }

    public void bind(Handlers handlers) {
        finding(handlers);
        poolLife(handlers);
        poolState(handlers);
        volumes(handlers);
        volumeContent(handlers);
    }

    private void finding(Handlers handlers) {
        handlers.on(Connections.GET_STORAGE_POOL_CAPABILITIES, (call, a) -> new Text(PoolCapabilities.document()));
        handlers.on(Storage.LIST_ALL_POOLS, (call, a) -> {
            List<PoolRef> refs = pools.all().stream().filter(pool -> fits(a.flags(), pool)).map(Pool::ref).toList();
            return new Storage.PoolList(a.needResults() == 0 ? List.of() : refs, refs.size());
        });
        handlers.on(Storage.NUM_OF_POOLS, (call, a) -> new IntValue(names(true).size()));
        handlers.on(Storage.LIST_POOLS, (call, a) -> new Texts(names(true).stream().limit(Room.of(a.maximum())).toList()));
        handlers.on(Storage.NUM_OF_DEFINED_POOLS, (call, a) -> new IntValue(names(false).size()));
        handlers.on(Storage.LIST_DEFINED_POOLS, (call, a) -> new Texts(names(false).stream().limit(Room.of(a.maximum())).toList()));
        handlers.on(Storage.POOL_LOOKUP_BY_NAME, (call, a) -> pools.byName(a.text()).ref());
        handlers.on(Storage.POOL_LOOKUP_BY_UUID, (call, a) -> pools.byUuid(a.uuid()).ref());
        handlers.on(Storage.POOL_LOOKUP_BY_VOLUME, (call, a) -> pools.byName(a.volume().pool()).ref());
        handlers.on(Storage.POOL_LOOKUP_BY_TARGET_PATH, (call, a) -> pools.byTarget(a.text()).ref());
    }

    private List<String> names(boolean active) {
        return pools.all().stream().filter(pool -> pool.isActive() == active).map(pool -> pool.ref().name()).toList();
    }

    private static boolean fits(int flags, Pool pool) {
        return either(flags, ACTIVE, INACTIVE, pool.isActive()) && either(flags, PERSISTENT, TRANSIENT, pool.isPersistent())
                && either(flags, AUTOSTART, NO_AUTOSTART, pool.isAutostart()) && ((flags & TYPES) == 0 || (flags & DIRECTORIES) != 0);
    }

    /// Neither flag, or the one that holds.
    private static boolean either(int flags, int yes, int no, boolean holds) {
        return (flags & (yes | no)) == 0 || (flags & (holds ? yes : no)) != 0;
    }

    private void poolLife(Handlers handlers) {
        handlers.on(Storage.POOL_DEFINE_XML, (call, a) -> pools.define(a.text()).ref());
        handlers.on(Storage.POOL_CREATE_XML, (call, a) -> pools.create(a.text(), (a.flags() & BUILD) != 0).ref());
        handlers.on(Storage.POOL_CREATE, (call, a) -> {
            pools.start(pools.byRef(a.pool()), (a.flags() & BUILD) != 0);
            return NONE;
        });
        handlers.on(Storage.POOL_BUILD, (call, a) -> {
            pools.build(pools.byRef(a.pool()));
            return NONE;
        });
        handlers.on(Storage.POOL_DESTROY, (call, a) -> {
            pools.stop(pools.byRef(a.pool()));
            return NONE;
        });
        handlers.on(Storage.POOL_DELETE, (call, a) -> {
            pools.deleteDirectory(pools.byRef(a.pool()));
            return NONE;
        });
        handlers.on(Storage.POOL_UNDEFINE, (call, a) -> {
            pools.undefine(pools.byRef(a.pool()));
            return NONE;
        });
        handlers.on(Storage.POOL_REFRESH, (call, a) -> {
            pools.refresh(pools.byRef(a.pool()));
            return NONE;
        });
        handlers.on(Storage.POOL_SET_AUTOSTART, (call, a) -> {
            pools.setAutostart(pools.byRef(a.pool()), a.number() != 0);
            return NONE;
        });
    }

    private void poolState(Handlers handlers) {
        handlers.on(Storage.POOL_GET_INFO, (call, a) -> {
            Pool pool = pools.byRef(a.pool());
            Pool.Room room = pool.room();
            return new Storage.PoolInfo(pool.isActive() ? RUNNING : 0, room.capacity(), room.allocation(), room.available());
        });
        handlers.on(Storage.POOL_GET_XML_DESC, (call, a) -> new Text(pools.byRef(a.pool()).describe()));
        handlers.on(Storage.POOL_GET_AUTOSTART, (call, a) -> DomainService.truth(pools.byRef(a.pool()).isAutostart()));
        handlers.on(Storage.POOL_IS_ACTIVE, (call, a) -> DomainService.truth(pools.byRef(a.pool()).isActive()));
        handlers.on(Storage.POOL_IS_PERSISTENT, (call, a) -> DomainService.truth(pools.byRef(a.pool()).isPersistent()));
        handlers.on(Storage.NUM_OF_VOLUMES, (call, a) -> new IntValue(pools.byRef(a.pool()).volumes().size()));
        handlers.on(Storage.LIST_VOLUMES, (call, a) -> new Texts(
                pools.byRef(a.pool()).volumes().stream().map(Volume::name).limit(Room.of(a.number())).toList()));
        handlers.on(Storage.LIST_ALL_VOLUMES, (call, a) -> {
            List<VolumeRef> refs = pools.byRef(a.pool()).volumes().stream().map(volume -> volume.ref(a.pool().name())).toList();
            return new Storage.VolumeList(a.needResults() == 0 ? List.of() : refs, refs.size());
        });
    }

    private void volumes(Handlers handlers) {
        handlers.on(Storage.VOL_LOOKUP_BY_NAME, (call, a) -> pools.byRef(a.pool()).volume(a.text()).ref(a.pool().name()));
        handlers.on(Storage.VOL_LOOKUP_BY_KEY, (call, a) -> ref(pools.volume(a.text(), "key")));
        handlers.on(Storage.VOL_LOOKUP_BY_PATH, (call, a) -> ref(pools.volume(a.text(), "path")));
        handlers.on(Storage.VOL_GET_PATH, (call, a) -> new Text(volume(a.volume()).path().toString()));
        handlers.on(Storage.VOL_GET_INFO, (call, a) -> info(volume(a.volume()), 0));
        handlers.on(Storage.VOL_GET_INFO_FLAGS, (call, a) -> info(volume(a.volume()), a.flags()));
        handlers.on(Storage.VOL_GET_XML_DESC, (call, a) -> new Text(volume(a.volume()).describe()));
        handlers.on(Storage.VOL_CREATE_XML, (call, a) ->
                VolumeMaker.create(pools.byRef(a.pool()), a.text(), a.flags()).ref(a.pool().name()));
        handlers.on(Storage.VOL_CREATE_XML_FROM, (call, a) ->
                VolumeMaker.createFrom(pools.byRef(a.pool()), a.xml(), volume(a.source()), a.flags()).ref(a.pool().name()));
        handlers.on(Storage.VOL_DELETE, (call, a) -> {
            VolumeMaker.delete(pools.byName(a.volume().pool()), volume(a.volume()));
            return NONE;
        });
    }

    private static VolumeRef ref(PoolRegistry.Found found) {
        return found.volume().ref(found.pool().ref().name());
    }

    private Volume volume(VolumeRef ref) {
        return pools.byName(ref.pool()).volume(ref.name());
    }

    /// With flag 1 the third number is where the file ends.
    private static Storage.VolumeInfo info(Volume volume, int flags) {
        return new Storage.VolumeInfo(FILE, volume.capacity(), (flags & 1) != 0 ? volume.physical() : volume.allocation());
    }

    private void volumeContent(Handlers handlers) {
        handlers.on(Storage.VOL_UPLOAD, (call, a) -> {
            call.openStream(VolumeStreams.upload(pools.byName(a.volume().pool()), volume(a.volume()), a.offset(), a.length()));
            return NONE;
        });
        handlers.on(Storage.VOL_DOWNLOAD, (call, a) -> {
            call.openStream(VolumeStreams.download(volume(a.volume()).path(), a.offset(), a.length(), (a.flags() & SPARSE) != 0));
            return NONE;
        });
        handlers.on(Storage.VOL_RESIZE, (call, a) -> {
            VolumeMaker.resize(pools.byName(a.volume().pool()), volume(a.volume()), a.capacity(), a.flags());
            return NONE;
        });
        handlers.on(Storage.VOL_WIPE, (call, a) -> {
            VolumeMaker.wipe(pools.byName(a.volume().pool()), volume(a.volume()), 0);
            return NONE;
        });
        handlers.on(Storage.VOL_WIPE_PATTERN, (call, a) -> {
            VolumeMaker.wipe(pools.byName(a.volume().pool()), volume(a.volume()), a.algorithm());
            return NONE;
        });
    }
}
