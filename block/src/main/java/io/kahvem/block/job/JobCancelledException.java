package io.kahvem.block.job;

/// Work on a disk was told to end before its time.
public final class JobCancelledException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public JobCancelledException() {
        super("cancelled", null, false, false);
    }
}
