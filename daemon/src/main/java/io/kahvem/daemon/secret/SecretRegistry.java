package io.kahvem.daemon.secret;

import io.kahvem.daemon.AtomicFiles;
import io.kahvem.daemon.StateFiles;
import io.kahvem.daemon.rpc.Events;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.SecretRef;
import io.kahvem.libvirt.protocol.Secrets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/// All secrets and their values. Under its own lock.
public final class SecretRegistry {
    private final Path directory;
    private final StateFiles files;
    private final Events events;
    private final Map<UUID, Secret> secrets = new TreeMap<>();
    private final Map<UUID, byte[]> values = new HashMap<>();

    public SecretRegistry(Path state, Events events) {
        this.directory = state.resolve("secrets");
        this.files = StateFiles.lasting(directory);
        this.events = events;
    }

    public synchronized void load() {
        files.loadAll(text -> {
            Secret secret = Secret.parse(text);
            try {
                values.put(secret.uuid(), Base64.getDecoder().decode(Files.readString(valueFile(secret.uuid())).strip()));
            } catch (NoSuchFileException none) {
                values.remove(secret.uuid());
            } catch (IOException e) {
                throw new IllegalArgumentException("its value cannot be read: " + e);
            }
            secrets.put(secret.uuid(), secret);
        });
    }

    private Path valueFile(UUID uuid) {
        return directory.resolve(uuid + ".base64");
    }

    /// @param flags of virConnectListAllSecretsFlags
    public synchronized List<SecretRef> list(int flags) {
        return secrets.values().stream()
                .filter(secret -> (flags & 3) == 0 || (flags & (secret.ephemeral() ? 1 : 2)) != 0)
                .filter(secret -> (flags & 12) == 0 || (flags & (secret.unreadable() ? 4 : 8)) != 0)
                .map(Secret::ref).toList();
    }

    private Secret find(UUID uuid) {
        Secret secret = secrets.get(uuid);
        if (secret == null) throw notFound("no secret with matching uuid '%s'".formatted(uuid));
        return secret;
    }

    public synchronized SecretRef lookup(UUID uuid) {
        return find(uuid).ref();
    }

    public synchronized SecretRef lookup(int usage, String usageId) {
        return secrets.values().stream()
                .filter(secret -> secret.usage().ordinal() == usage && secret.usageId().equals(usageId)).findFirst()
                .orElseThrow(() -> notFound("no secret with matching usage '%s'".formatted(usageId))).ref();
    }

    public synchronized SecretRef define(String document) {
        Secret secret = Secret.parse(document);
        for (Secret other : secrets.values()) {
            boolean sameUse = secret.usage() != Secret.Usage.NONE && other.usage() == secret.usage()
                    && other.usageId().equals(secret.usageId());
            if (sameUse != other.uuid().equals(secret.uuid()) && (sameUse || other.usage() != Secret.Usage.NONE
                    && other.uuid().equals(secret.uuid()))) {
                throw LibvirtException.of(ErrorCode.INTERNAL_ERROR, ErrorDomain.SECRET,
                        "a secret with UUID %s is already defined for use with %s".formatted(other.uuid(), other.usageId()));
            }
        }
        if (!secret.ephemeral()) files.write(secret.uuid().toString(), secret.describe());
        secrets.put(secret.uuid(), secret);
        SecretRef ref = secret.ref();
        tell(ref, 0);
        return ref;
    }

    public synchronized String describe(UUID uuid) {
        return find(uuid).describe();
    }

    public synchronized void setValue(UUID uuid, byte[] value) {
        Secret secret = find(uuid);
        if (!secret.ephemeral()) {
            AtomicFiles.write(valueFile(uuid), Base64.getEncoder().encodeToString(value));
        }
        values.put(uuid, value.clone());
        SecretRef ref = secret.ref();
        events.publish(Events.Family.SECRET, 1, uuid, Secrets.VALUE_CHANGED, callback -> new Secrets.ValueChanged(callback, ref));
    }

    public synchronized byte[] value(UUID uuid) {
        Secret secret = find(uuid);
        byte[] value = values.get(uuid);
        if (value == null) throw notFound("secret '%s' does not have a value".formatted(uuid));
        if (secret.unreadable()) {
            throw LibvirtException.of(ErrorCode.OPERATION_DENIED, ErrorDomain.SECRET, "secret is private");
        }
        return value.clone();
    }

    public synchronized void undefine(UUID uuid) {
        SecretRef ref = find(uuid).ref();
        files.delete(uuid.toString());
        AtomicFiles.delete(valueFile(uuid));
        secrets.remove(uuid);
        values.remove(uuid);
        tell(ref, 1);
    }

    private void tell(SecretRef ref, int event) {
        events.publish(Events.Family.SECRET, 0, ref.uuid(), Secrets.LIFECYCLE,
                callback -> new Secrets.Lifecycle(callback, ref, event, 0));
    }

    private static LibvirtException notFound(String detail) {
        return LibvirtException.of(ErrorCode.NO_SECRET, ErrorDomain.SECRET, detail);
    }
}
