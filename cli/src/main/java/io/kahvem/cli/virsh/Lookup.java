package io.kahvem.cli.virsh;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.NotFoundException;
import io.kahvem.libvirt.protocol.Common.ByUuid;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.InterfaceRef;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Common.SecretRef;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.VolumeRef;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Nodes;
import io.kahvem.libvirt.protocol.Secrets;
import io.kahvem.libvirt.protocol.Storage;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/// Objects by what people call them: numbers, UUIDs, names, keys, paths.
final class Lookup {
    private Lookup() {}

    private static <T> Optional<T> maybe(Supplier<T> lookup) {
        try {
            return Optional.of(lookup.get());
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    /// The last way to find an object: what the daemon says stands below what we say.
    private static <T> T last(String failed, Supplier<T> lookup) {
        try {
            return lookup.get();
        } catch (LibvirtException e) {
            throw new Failure(failed, e);
        }
    }

    private static Optional<UUID> uuid(String text) {
        if (text.length() != 36) return Optional.empty();
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    static DomainRef domain(Call call) {
        return domain(call.session(), call.given("domain"));
    }

    /// What a word may mean.
    enum By { ID, UUID, NAME }

    static DomainRef domain(Session session, String name) {
        return domain(session, name, EnumSet.allOf(By.class));
    }

    static DomainRef domain(Session session, String name, Set<By> by) {
        Optional<DomainRef> found = Optional.empty();
        if (by.contains(By.ID) && name.matches("\\d{1,9}")) {
            found = maybe(() -> session.call(Domains.LOOKUP_BY_ID, new IntValue(Integer.parseInt(name))));
        }
        if (found.isEmpty() && by.contains(By.UUID)) {
            found = uuid(name).flatMap(uuid -> maybe(() -> session.call(Domains.LOOKUP_BY_UUID, new ByUuid(uuid))));
        }
        if (found.isEmpty() && by.contains(By.NAME)) found = maybe(() -> session.call(Domains.LOOKUP_BY_NAME, new Text(name)));
        return found.orElseThrow(() -> new Failure("failed to get domain '%s'".formatted(name)));
    }

    static PoolRef pool(Call call) {
        return pool(call.session(), call.given("pool"));
    }

    static PoolRef pool(Session session, String name) {
        return uuid(name).flatMap(uuid -> maybe(() -> session.call(Storage.POOL_LOOKUP_BY_UUID, new ByUuid(uuid))))
                .orElseGet(() -> last("failed to get pool '%s'".formatted(name),
                        () -> session.call(Storage.POOL_LOOKUP_BY_NAME, new Text(name))));
    }

    static VolumeRef volume(Call call) {
        return volume(call.session(), call.given("vol"), call.text("pool"));
    }

    /// By name in a pool, else by key or path wherever it is.
    static VolumeRef volume(Session session, String name, Optional<String> poolName) {
        Optional<PoolRef> pool = poolName.map(each -> pool(session, each));
        if (pool.isPresent() && session.call(Storage.POOL_IS_ACTIVE, new Storage.PoolArg(pool.get())).value() == 0) {
            throw new Failure("pool '%s' is not active".formatted(poolName.orElseThrow()));
        }
        Optional<VolumeRef> found = pool.flatMap(each ->
                maybe(() -> session.call(Storage.VOL_LOOKUP_BY_NAME, new Storage.PoolText(each, name))));
        if (found.isPresent()) return found.get();
        String hint = pool.isPresent() ? "" : ", specifying --pool might help";
        VolumeRef volume = maybe(() -> session.call(Storage.VOL_LOOKUP_BY_KEY, new Text(name)))
                .orElseGet(() -> last("failed to get vol '%s'%s".formatted(name, hint),
                        () -> session.call(Storage.VOL_LOOKUP_BY_PATH, new Text(name))));
        if (pool.isPresent() && !volume.pool().equals(pool.get().name())) {
            throw new Failure("Requested volume '%s' is not in pool '%s'".formatted(name, pool.get().name()));
        }
        return volume;
    }

    static SecretRef secret(Call call) {
        String name = call.given("secret");
        String failed = "failed to get secret '%s'".formatted(name);
        UUID uuid = uuid(name).orElseThrow(() ->
                new Failure(failed, new Failure("uuidstr in virSecretLookupByUUIDString must be a valid UUID")));
        return last(failed, () -> call.session().call(Secrets.LOOKUP_BY_UUID, new ByUuid(uuid)));
    }

    static InterfaceRef hostInterface(Call call) {
        String name = call.given("interface");
        if (name.matches("([0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2}")) {
            return last("failed to get interface '%s'".formatted(name),
                    () -> call.session().call(Nodes.INTERFACE_LOOKUP_BY_MAC, new Text(name)));
        }
        return last("failed to get interface '%s'".formatted(name),
                () -> call.session().call(Nodes.INTERFACE_LOOKUP_BY_NAME, new Text(name)));
    }

    static String nodeDevice(Call call) {
        String name = call.given("device");
        try {
            return call.session().call(Nodes.DEVICE_LOOKUP_BY_NAME, new Text(name)).name();
        } catch (LibvirtException e) {
            throw new Failure("Could not find matching device '%s'".formatted(name), e);
        }
    }
}
