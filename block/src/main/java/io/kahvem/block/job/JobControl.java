package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.tool.Progress;

/// What work on a disk tells, and is told, between two parts. Called on the thread that does the work.
public interface JobControl extends Progress {
    /// Work that nobody watches or holds up: a failure ends it.
    JobControl NONE = (doneBytes, totalBytes) -> { };

    /// Which side of a copy failed.
    enum Side {
        /// Reading the disk.
        SOURCE,
        /// Writing what the work makes.
        TARGET
    }

    /// So much is done, of so much that there is by now. Returns when the work may go on, and throws [JobCancelledException] where it
    /// is to end.
    @Override
    void moved(long doneBytes, long totalBytes);

    /// A part failed. Whether to try it again, which may be after a rest; if not, the failure ends the work.
    default boolean retries(Side side, BlockException failure) {
        return false;
    }
}
