package io.kahvem.block;

import io.kahvem.block.qcow2.Qcow2Node;
import io.kahvem.host.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/// The bitmaps of a disk in use: those its image keeps, and those that are gone with the process. Each belongs to one layer; those of the
/// layer on top are the disk's. Safe from any thread.
public final class DiskBitmaps {
    /// The granularity QEMU gives a bitmap of an image without clusters.
    private static final int DEFAULT_GRANULARITY = 65_536;

    private record Forgotten(BlockNode layer, DirtyBitmap bitmap) {}

    private final Disk disk;
    private final List<Forgotten> forgotten = new CopyOnWriteArrayList<>();
    private final Disk.Watcher watcher = new Disk.Watcher() {
        @Override
        public void beforeChange(long offset, long length) {
            mark(disk.node(), offset, length);
        }
    };

    DiskBitmaps(Disk disk) {
        this.disk = disk;
    }

    /// Those of the layer on top.
    public List<DirtyBitmap> list() {
        List<DirtyBitmap> all = new ArrayList<>();
        for (Forgotten each : forgotten) if (each.layer.equals(disk.node())) all.add(each.bitmap);
        if (disk.node() instanceof Qcow2Node image) all.addAll(image.bitmaps().list());
        return all;
    }

    public Optional<DirtyBitmap> find(String name) {
        return list().stream().filter(bitmap -> bitmap.name().equals(name)).findFirst();
    }

    /// Throws [BlockException] in QEMU's words where there is none.
    public DirtyBitmap needed(String name) {
        return find(name).orElseThrow(() -> new BlockException(Errno.ENOENT, "Dirty bitmap '%s' not found".formatted(name)));
    }

    /// Whether the image keeps it.
    public boolean isPersistent(DirtyBitmap bitmap) {
        return forgotten.stream().noneMatch(each -> each.bitmap.equals(bitmap));
    }

    /// Adds an empty one. Throws [BlockException] in QEMU's words.
    ///
    /// @param granularity bytes, or 0 for what QEMU takes
    /// @param enabled whether it notes writes from here on
    public DirtyBitmap add(String name, int granularity, boolean persistent, boolean enabled) {
        if (name.isEmpty()) throw BlockException.invalid("Bitmap name cannot be empty");
        if (find(name).isPresent()) throw BlockException.invalid("Bitmap already exists: " + name);
        disk.exclusively(() -> {
            if (persistent) keep(name, granularity, enabled);
            else forget(name, granularity, enabled);
        });
        return needed(name);
    }

    private void keep(String name, int granularity, boolean enabled) {
        if (!(disk.node() instanceof Qcow2Node image)) {
            throw new BlockException(Errno.EOPNOTSUPP, "Cannot store dirty bitmaps in file '%s'".formatted(disk.node().name()));
        }
        image.bitmaps().add(name, granularity == 0 ? image.bitmaps().defaultGranularity() : granularity, enabled);
    }

    private void forget(String name, int granularity, boolean enabled) {
        int usual = disk.node() instanceof Qcow2Node image ? image.bitmaps().defaultGranularity() : DEFAULT_GRANULARITY;
        DirtyBitmap bitmap = new DirtyBitmap(name, granularity == 0 ? usual : granularity, disk.sizeBytes());
        bitmap.setEnabled(enabled);
        if (forgotten.isEmpty()) disk.addWatcher(watcher);
        forgotten.add(new Forgotten(disk.node(), bitmap));
    }

    /// Throws [BlockException] in QEMU's words where there is none.
    public void remove(String name) {
        DirtyBitmap bitmap = needed(name);
        disk.exclusively(() -> {
            if (forgotten.removeIf(each -> each.bitmap.equals(bitmap))) {
                if (forgotten.isEmpty()) disk.removeWatcher(watcher);
            } else if (disk.node() instanceof Qcow2Node image) {
                image.bitmaps().remove(name);
            }
        });
    }

    /// Notes what is written to a layer, in those of its bitmaps that it does not keep itself.
    public void mark(BlockNode layer, long offset, long length) {
        for (Forgotten each : forgotten) {
            if (each.layer.equals(layer) && each.bitmap.isEnabled()) each.bitmap.mark(offset, length);
        }
    }

    void resize(long sizeBytes) {
        for (Forgotten each : forgotten) if (each.layer.equals(disk.node())) each.bitmap.resize(sizeBytes);
    }
}
