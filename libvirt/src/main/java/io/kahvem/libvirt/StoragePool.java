package io.kahvem.libvirt;

import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Common.VolumeRef;
import io.kahvem.libvirt.protocol.Storage;
import io.kahvem.libvirt.protocol.Storage.PoolArg;
import io.kahvem.libvirt.protocol.Storage.PoolFlags;
import java.util.List;
import java.util.UUID;

/// A pool of a daemon's storage. It names one and holds no state: every method asks.
public final class StoragePool {
    private final Connection connection;
    private final PoolRef ref;

    StoragePool(Connection connection, PoolRef ref) {
        this.connection = connection;
        this.ref = ref;
    }

    public String name() {
        return ref.name();
    }

    public UUID uuid() {
        return ref.uuid();
    }

    public boolean isActive() {
        return connection.call(Storage.POOL_IS_ACTIVE, new PoolArg(ref)).value() != 0;
    }

    /// Makes the pool's place.
    public void build() {
        connection.call(Storage.POOL_BUILD, new PoolFlags(ref, 0));
    }

    public void start() {
        connection.call(Storage.POOL_CREATE, new PoolFlags(ref, 0));
    }

    public void stop() {
        connection.call(Storage.POOL_DESTROY, new PoolArg(ref));
    }

    public void undefine() {
        connection.call(Storage.POOL_UNDEFINE, new PoolArg(ref));
    }

    /// Looks again at what is there.
    public void refresh() {
        connection.call(Storage.POOL_REFRESH, new PoolFlags(ref, 0));
    }

    public String describe() {
        return connection.call(Storage.POOL_GET_XML_DESC, new PoolFlags(ref, 0)).text();
    }

    public List<StorageVolume> volumes() {
        return connection.call(Storage.LIST_ALL_VOLUMES, new Storage.PoolListAll(ref, 1, 0)).volumes().stream().map(this::volume).toList();
    }

    /// Throws [NotFoundException].
    public StorageVolume volume(String name) {
        return volume(connection.call(Storage.VOL_LOOKUP_BY_NAME, new Storage.PoolText(ref, name)));
    }

    /// Makes a volume by its XML.
    public StorageVolume createVolume(String xml) {
        return volume(connection.call(Storage.VOL_CREATE_XML, new Storage.PoolTextFlags(ref, xml, 0)));
    }

    private StorageVolume volume(VolumeRef volume) {
        return new StorageVolume(connection, volume);
    }
}
