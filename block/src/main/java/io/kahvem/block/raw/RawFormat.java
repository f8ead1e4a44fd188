package io.kahvem.block.raw;

import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOption;
import io.kahvem.block.CreateOption.Kind;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import java.util.List;

/// `raw`: probed last, since any file is one.
public final class RawFormat implements ImageFormat {
    public static final String NAME = "raw";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int probe(byte[] head, String fileName) {
        return 1;
    }

    @Override
    public BlockNode open(BlockNode file, OpenOptions options) {
        return new RawNode(file, options.format() == null);
    }

    @Override
    public List<CreateOption> createOptions() {
        return List.of(
                new CreateOption("preallocation", Kind.STRING, "Preallocation mode (allowed values: off, falloc, full)", ""),
                new CreateOption("size", Kind.SIZE, "Virtual disk size", ""));
    }

    @Override
    public void create(BlockNode file, long sizeBytes, CreateOptions options) {
        Preallocation preallocation = Preallocation.of(options.text("preallocation", "off"));
        file.resize((sizeBytes + RawNode.SECTOR - 1) / RawNode.SECTOR * RawNode.SECTOR, preallocation);
    }
}
