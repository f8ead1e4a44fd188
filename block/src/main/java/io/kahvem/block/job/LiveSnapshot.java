package io.kahvem.block.job;

import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Disk;
import io.kahvem.block.Formats;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import java.nio.file.Path;

/// An external snapshot: what the disk was stays in its file, which is not written any more; a new image over it takes the writes (QMP's
/// blockdev-snapshot-sync).
public final class LiveSnapshot {
    private LiveSnapshot() {}

    /// Makes the image `overlay` and lets the disk go on in it. Throws [io.kahvem.block.BlockException]; the disk is what it was then.
    public static void take(Disk disk, String overlay) {
        ImageFormat qcow2 = Formats.named("qcow2");
        Images.create(qcow2, overlay, disk.sizeBytes(), over(disk.node(), qcow2));
        take(disk, Images.open(overlay, OpenOptions.writable("qcow2").withBacking(false)));
    }

    /// How an image is made that is to be over `base`.
    public static CreateOptions over(BlockNode base, ImageFormat format) {
        return new CreateOptions(format).set("backing_file", absolute(base.name())).set("backing_fmt", base.format());
    }

    /// Lets the disk go on in `top`, which has nothing attached below it, and is closed where that fails.
    public static void take(Disk disk, BlockNode top) {
        BlockNode base = disk.node();
        try {
            disk.exclusively(() -> {
                base.flush();
                base.setReadOnly(true);
                top.attachBacking(base);
                disk.replaceNode(top);
            });
        } catch (RuntimeException e) {
            top.attachBacking(null);
            top.close();
            throw e;
        }
    }

    /// Takes a snapshot back at once, if the disk still goes on in it: what was written to it meanwhile is lost.
    public static void undo(Disk disk, BlockNode top) {
        BlockNode base = top.backing();
        if (base == null || !top.equals(disk.node())) return;
        disk.exclusively(() -> {
            top.attachBacking(null);
            base.setReadOnly(false);
            disk.replaceNode(base);
        });
        top.close();
    }

    private static String absolute(String name) {
        return Images.isFile(name) ? Path.of(name).toAbsolutePath().toString() : name;
    }
}
