package io.kahvem.daemon.storage;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.protocol.Common.VolumeRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A file of a pool, as it was when the pool last looked. Sizes in bytes.
///
/// @param capacity what a guest sees
/// @param allocation what it takes of the host's disk
/// @param physical where its file ends
/// @param backing the image below it, and its format
public record Volume(
        String name, Path path, String format, long capacity, long allocation, long physical, Optional<String> backing,
        Optional<String> backingFormat, Optional<String> compat, int clusterSize) {

    /// Looks at a file. One that cannot be read as what it seems to be is raw.
    static Volume of(Path path) throws IOException {
        long physical = Files.size(path);
        String name = String.valueOf(path.getFileName());
        try (BlockNode node = Images.open(path.toString(), OpenOptions.readOnly(null).withShareable(true).withBacking(false))) {
            String below = node.backingFile();
            Object compat = node.info().specific().get("compat");
            return new Volume(name, path, node.format(), node.sizeBytes(), node.allocatedSize(), physical,
                    Optional.ofNullable(below).map(file -> Images.resolve(path.toString(), file)),
                            Optional.ofNullable(node.backingFormat()),
                    Optional.ofNullable(compat).map(Object::toString), node.info().clusterSize());
        } catch (BlockException e) {
            return new Volume(name, path, "raw", physical, physical, physical, Optional.empty(), Optional.empty(), Optional.empty(), 0);
        }
    }

    public VolumeRef ref(String pool) {
        return new VolumeRef(pool, name, path.toString());
    }

    /// The document of `virsh vol-dumpxml` (storagevol.rng).
    public String describe() {
        Element root = new Element("volume").with("type", "file");
        root.add(new Element("name", name)).add(new Element("key", path));
        root.add(bytes("capacity", capacity)).add(bytes("allocation", allocation)).add(bytes("physical", physical));
        Element target = new Element("target").add(new Element("path", path));
        target.add(new Element("format").with("type", format));
        Permissions.add(target, path);
        Element times = times();
        if (times != null) target.add(times);
        compat.ifPresent(version -> target.add(new Element("compat", version)));
        if (clusterSize > 0) target.add(new Element("clusterSize", clusterSize).with("unit", "B"));
        root.add(target);
        backing.ifPresent(below -> {
            Element store = new Element("backingStore").add(new Element("path", below));
            backingFormat.ifPresent(its -> store.add(new Element("format").with("type", its)));
            Permissions.add(store, Path.of(below));
            root.add(store);
        });
        return root.toString();
    }

    private @Nullable Element times() {
        try {
            Map<String, Object> all = Files.readAttributes(path, "unix:lastAccessTime,lastModifiedTime,ctime");
            Element times = new Element("timestamps");
            for (String[] each : new String[][] {{"atime", "lastAccessTime"}, {"mtime", "lastModifiedTime"}, {"ctime", "ctime"}}) {
                if (all.get(each[1]) instanceof FileTime time) {
                    times.add(new Element(each[0], "%d.%09d".formatted(time.toInstant().getEpochSecond(), time.toInstant().getNano())));
                }
            }
            return times;
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    static Element bytes(String name, long value) {
        return new Element(name, value).with("unit", "bytes");
    }

    /// The formats a volume can be made in.
    static Set<String> formats() {
        return Set.copyOf(Images.formatNames());
    }
}
