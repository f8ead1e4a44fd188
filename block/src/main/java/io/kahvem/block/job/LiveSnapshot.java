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
        BlockNode base = disk.node();
        CreateOptions options = new CreateOptions(qcow2).set("backing_file", absolute(base.name())).set("backing_fmt", base.format());
        Images.create(qcow2, overlay, base.sizeBytes(), options);
        BlockNode top = Images.open(overlay, OpenOptions.writable("qcow2").withBacking(false));
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

    private static String absolute(String name) {
        return Path.of(name).toAbsolutePath().toString();
    }
}
