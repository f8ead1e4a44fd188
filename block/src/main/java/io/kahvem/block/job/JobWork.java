package io.kahvem.block.job;

/// Work on a disk in use, as a [BlockJob] has it done. All is called on the job's thread: [#run], then [#follow] as often as it takes for
/// work that follows its disk, then one of [#conclude] and [#abort]. What it throws ends the job.
public interface JobWork {
    /// By the names of QEMU's job.json, in small letters.
    enum Type {
        BACKUP,
        COMMIT,
        MIRROR,
        STREAM
    }

    Type type();

    /// Does the work, or what there is of it when it begins.
    void run(JobControl control);

    /// Whether it goes on with what the guest writes until it is completed.
    default boolean follows() {
        return false;
    }

    /// Does what has come up since.
    default void follow(JobControl control) {}

    /// Makes what was done count.
    ///
    /// @param pivot of work that follows: the disk goes on in the target; else it stays where it is
    void conclude(boolean pivot);

    /// Undoes what is not to be; the disk goes on where it is. After a conclusion that failed, too.
    void abort();
}
