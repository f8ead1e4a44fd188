package io.kahvem.block.table;

import io.kahvem.block.BlockNode;
import java.util.UUID;

/// A disk that differencing disks over it know by an id.
public interface IdentifiedNode extends BlockNode {
    UUID id();
}
