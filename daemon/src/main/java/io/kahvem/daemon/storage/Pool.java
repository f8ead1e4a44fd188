package io.kahvem.daemon.storage;

import io.kahvem.daemon.LazyLogger;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;

/// A directory whose files are volumes. Its methods are called under its own lock.
public final class Pool {
    private PoolDefinition definition;
    private boolean active;
    private boolean persistent;
    private boolean autostart;
    private final Map<String, Volume> volumes = new TreeMap<>();

    /// The room of the file system a pool is on, in bytes; none for one that is not in use.
    public record Room(long capacity, long allocation, long available) {
        static final Room NONE = new Room(0, 0, 0);
    }

    Pool(PoolDefinition definition) {
        this.definition = definition;
    }

    synchronized PoolDefinition definition() {
        return definition;
    }

    synchronized void definition(PoolDefinition definition) {
        this.definition = definition;
    }

    public synchronized PoolRef ref() {
        return new PoolRef(definition.name(), definition.uuid());
    }

    public synchronized boolean isActive() {
        return active;
    }

    public synchronized boolean isPersistent() {
        return persistent;
    }

    synchronized void persistent(boolean persistent) {
        this.persistent = persistent;
    }

    public synchronized boolean isAutostart() {
        return autostart;
    }

    synchronized void autostart(boolean autostart) {
        this.autostart = autostart;
    }

    /// Makes the directory.
    synchronized void build() {
        if (active) throw StorageErrors.invalid("storage pool '%s' is already active", definition.name());
        try {
            Files.createDirectories(definition.target());
            if (!definition.mode().isEmpty()) {
                int mode = Integer.parseInt(definition.mode(), 8);
                Files.setAttribute(definition.target(), "unix:mode", mode & 07777);
            }
        } catch (IOException e) {
            throw StorageErrors.system("create path '%s'".formatted(definition.target()), e);
        } catch (NumberFormatException e) {
            throw StorageErrors.xml("malformed octal mode '%s'", definition.mode());
        } catch (UnsupportedOperationException e) {
            throw StorageErrors.of(ErrorCode.CONFIG_UNSUPPORTED, "this host's files have no mode");
        }
    }

    synchronized void start() {
        if (active) throw StorageErrors.invalid("storage pool '%s' is already active", definition.name());
        scan();
        active = true;
    }

    synchronized void stop() {
        requireActive();
        active = false;
        volumes.clear();
    }

    /// Removes the directory, which must be empty.
    synchronized void deleteDirectory() {
        if (active) throw StorageErrors.invalid("storage pool '%s' is still active", definition.name());
        try {
            Files.delete(definition.target());
        } catch (IOException e) {
            throw StorageErrors.system("remove path '%s'".formatted(definition.target()), e);
        }
    }

    synchronized void refresh() {
        requireActive();
        scan();
    }

    private void scan() {
        Map<String, Volume> found = new TreeMap<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(definition.target())) {
            for (Path path : stream) {
                if (!Files.isRegularFile(path)) continue;
                try {
                    Volume volume = Volume.of(path);
                    found.put(volume.name(), volume);
                } catch (IOException vanished) {
                    continue; // while we looked
                }
            }
        } catch (IOException e) {
            throw StorageErrors.system("open directory '%s'".formatted(definition.target()), e);
        }
        volumes.clear();
        volumes.putAll(found);
    }

    /// Looks at one file again.
    synchronized Volume reload(Path path) {
        try {
            Volume volume = Volume.of(path);
            volumes.put(volume.name(), volume);
            return volume;
        } catch (IOException e) {
            volumes.remove(String.valueOf(path.getFileName()));
            throw StorageErrors.system("open '%s'".formatted(path), e);
        }
    }

    synchronized void forget(String volume) {
        volumes.remove(volume);
    }

    public synchronized List<Volume> volumes() {
        requireActive();
        return List.copyOf(volumes.values());
    }

    /// The volume of that name. Throws where there is none.
    public synchronized Volume volume(String name) {
        requireActive();
        Volume volume = volumes.get(name);
        if (volume == null) throw StorageErrors.of(ErrorCode.NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
        return volume;
    }

    /// The volume whose file it is, if the pool is in use and has it.
    synchronized Optional<Volume> volumeAt(Path path) {
        return active ? volumes.values().stream().filter(each -> each.path().equals(path)).findFirst() : Optional.empty();
    }

    /// Where a volume of that name goes. Throws where there is one, or the name is no file's.
    synchronized Path newVolume(String name) {
        requireActive();
        if (name.isEmpty()) throw StorageErrors.xml("missing volume name element");
        if (name.contains("/") || name.equals(".") || name.equals("..")) throw StorageErrors.xml("volume name '%s' cannot contain '/'",
                name);
        Path path = definition.target().resolve(name);
        if (volumes.containsKey(name)) throw StorageErrors.of(ErrorCode.STORAGE_VOL_EXIST, "'%s'", name);
        if (Files.exists(path)) throw StorageErrors.of(ErrorCode.STORAGE_VOL_EXIST, "'%s'", path);
        return path;
    }

    private void requireActive() {
        if (!active) throw StorageErrors.invalid("storage pool '%s' is not active", definition.name());
    }

    public synchronized Room room() {
        if (!active) return Room.NONE;
        try {
            FileStore store = Files.getFileStore(definition.target());
            return new Room(store.getTotalSpace(), store.getTotalSpace() - store.getUnallocatedSpace(), store.getUsableSpace());
        } catch (IOException e) {
            throw StorageErrors.system("statvfs path '%s'".formatted(definition.target()), e);
        }
    }

    public String describe() {
        return definition().describe(room());
    }

    /// Only its owner may read what a guest keeps in it.
    static void makeFile(Path path) {
        try {
            Files.createFile(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (IOException e) {
            throw StorageErrors.system("create path '%s'".formatted(path), e);
        }
    }

    /// A failure's remains.
    static void removeQuietly(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException | NoSuchElementException e) {
            LibvirtException reason = StorageErrors.invalid("cannot remove %s: %s", path, e);
            LazyLogger.of("io.kahvem.daemon.storage").log(System.Logger.Level.WARNING, reason.getMessage());
        }
    }
}
