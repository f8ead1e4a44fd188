package io.kahvem.block;

import java.util.function.Consumer;

/// A layer whose structure can be checked.
public interface CheckedNode extends BlockNode {
    /// Checks all of it, while nothing else reads or writes the image; says each finding in a line. Counts are what is left after repair.
    CheckResult check(Repair what, Consumer<String> lines);
}
