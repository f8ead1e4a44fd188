package io.kahvem.daemon.storage;

import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;
import io.kahvem.libvirt.ErrorCode;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/// What a pool is to be: a directory under a name.
///
/// @param mode of the directory where it is built, or empty for the usual
public record PoolDefinition(String name, UUID uuid, Path target, String mode) {
    private static final List<String> OTHERS = List.of("fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd",
            "sheepdog", "gluster", "zfs", "vstorage");

    /// Reads a description. Throws for one that is none, and for other kinds than directories.
    static PoolDefinition parse(String document) {
        Element pool = Xml.parse("storage_pool_definition", document);
        if (!pool.name().equals("pool")) throw StorageErrors.xml("unexpected root element <%s>, expecting <pool>", pool.name());
        String type = pool.attribute("type", "");
        if (OTHERS.contains(type)) {
            throw StorageErrors.of(ErrorCode.CONFIG_UNSUPPORTED, "storage pool type '%s' is not supported; only 'dir' is", type);
        }
        if (!type.equals("dir")) throw StorageErrors.xml("unknown storage pool type %s", type);
        String path = pool.textAt("target/path").orElse("");
        if (!path.startsWith("/")) throw StorageErrors.xml("missing storage pool target path");
        String name = pool.textAt("name").orElse("");
        if (name.isEmpty()) throw StorageErrors.xml("missing pool source name element");
        if (name.contains("/")) throw StorageErrors.xml("name %s cannot contain '/'", name);
        if (name.chars().anyMatch(c -> c < ' ')) throw StorageErrors.xml("name %s cannot contain '\\n'", name);
        UUID uuid;
        try {
            uuid = pool.textAt("uuid").map(UUID::fromString).orElseGet(UUID::randomUUID);
        } catch (IllegalArgumentException e) {
            throw StorageErrors.xml("malformed uuid element");
        }
        return new PoolDefinition(name, uuid, Path.of(path).normalize(), pool.textAt("target/permissions/mode").orElse(""));
    }

    /// The description, with what `room` knows of the place if it is in use.
    String describe(Pool.Room room) {
        Element pool = new Element("pool").with("type", "dir").add(new Element("name", name)).add(new Element("uuid", uuid));
        pool.add(Volume.bytes("capacity", room.capacity())).add(Volume.bytes("allocation", room.allocation()));
        pool.add(Volume.bytes("available", room.available())).add(new Element("source"));
        Element directory = new Element("target").add(new Element("path", target));
        Permissions.add(directory, target);
        if (directory.child("permissions") == null && !mode.isEmpty()) {
            directory.add(new Element("permissions").add(new Element("mode", mode)));
        }
        return pool.add(directory).toString();
    }
}
