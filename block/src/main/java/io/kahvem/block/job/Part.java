package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import java.lang.foreign.MemorySegment;

/// Copies of parts of a disk.
final class Part {
    private Part() {}

    /// A copy that failed, and on which side.
    static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final JobControl.Side side;
        private final BlockException what;

        Failure(JobControl.Side side, BlockException what) {
            super(what);
            this.side = side;
            this.what = what;
        }

        BlockException what() {
            return what;
        }
    }

    /// Throws [Failure].
    static void copy(BlockNode from, BlockNode to, long offset, long length) {
        MemorySegment memory = Bounce.take(length);
        try {
            MemorySegment data = memory.asSlice(0, length);
            onSide(JobControl.Side.SOURCE, () -> from.read(offset, data));
            onSide(JobControl.Side.TARGET, () -> to.write(offset, data));
        } finally {
            Bounce.give(memory);
        }
    }

    private static void onSide(JobControl.Side side, Runnable half) {
        try {
            half.run();
        } catch (BlockException e) {
            throw new Failure(side, e);
        }
    }

    /// Does something that throws [Failure], until it is done or `control` has it end with the [BlockException].
    static void attempt(JobControl control, Runnable something) {
        while (true) {
            try {
                something.run();
                return;
            } catch (Failure failed) {
                if (!control.retries(failed.side, failed.what)) throw failed.what;
            }
        }
    }
}
