package io.kahvem.block;

import io.kahvem.block.qcow2.Qcow2Format;
import io.kahvem.block.raw.RawFormat;
import io.kahvem.block.vhdx.VhdxFormat;
import io.kahvem.block.vmdk.VmdkFormat;
import io.kahvem.block.vpc.VpcFormat;
import java.util.List;

/// The formats there are. To add one: its package, and its row here.
public final class Formats {
    private static final ImageFormat RAW = new RawFormat();
    private static final List<ImageFormat> ALL = List.of(RAW, new Qcow2Format(), new VhdxFormat(), new VmdkFormat(), new VpcFormat());

    private Formats() {}

    public static List<ImageFormat> all() {
        return ALL;
    }

    /// Throws [BlockException] in qemu-img's words.
    public static ImageFormat named(String name) {
        for (ImageFormat format : ALL) if (format.name().equals(name)) return format;
        throw BlockException.invalid("Unknown driver '%s'".formatted(name));
    }

    /// The format that is surest of these first bytes of a file; raw, if no other is sure at all.
    public static ImageFormat probe(byte[] head, String fileName) {
        ImageFormat best = RAW;
        int bestScore = 0;
        for (ImageFormat format : ALL) {
            int score = format.probe(head, fileName);
            if (score > bestScore) {
                best = format;
                bestScore = score;
            }
        }
        return best;
    }
}
