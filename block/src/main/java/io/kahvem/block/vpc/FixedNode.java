package io.kahvem.block.vpc;

import io.kahvem.block.BlockNode;
import io.kahvem.block.table.IdentifiedNode;
import io.kahvem.block.table.WindowNode;
import java.util.UUID;

/// A fixed VHD: the disk, and the footer behind it.
final class FixedNode extends WindowNode implements IdentifiedNode {
    private final UUID id;

    FixedNode(BlockNode file, Footer footer) {
        super(file, VpcFormat.NAME, 0, footer.sizeBytes());
        id = footer.id();
    }

    @Override
    public UUID id() {
        return id;
    }
}
