package io.kahvem.qmp.schema;

import io.kahvem.qmp.schema.Blocks.BlockDeviceIoStatus;
import io.kahvem.qmp.schema.Jobs.JobStatus;
import io.kahvem.qmp.schema.Jobs.JobType;
import java.util.List;
import java.util.Optional;

/// Work on disks in use, and what it is done with: QEMU's block-core.json and transaction.json.
public interface BlockJobs {
    record QueryBlockJobs() implements Command<List<BlockJobInfo>> {}

    /// `offset` of `len` are done; `speed` in bytes a second, 0 for no limit.
    record BlockJobInfo(
            JobType type, String device, long len, long offset, boolean busy, boolean paused, long speed,
            @Name("io-status") BlockDeviceIoStatus ioStatus, boolean ready, JobStatus status, boolean autoFinalize, boolean autoDismiss,
            Optional<String> error) {}

    record BlockJobSetSpeed(String device, long speed) implements Command<Empty> {}

    record BlockJobCancel(String device, Optional<Boolean> force) implements Command<Empty> {}

    record BlockJobPause(String device) implements Command<Empty> {}

    record BlockJobResume(String device) implements Command<Empty> {}

    record BlockJobComplete(String device) implements Command<Empty> {}

    record BlockJobFinalize(String id) implements Command<Empty> {}

    record BlockJobDismiss(String id) implements Command<Empty> {}

    @Name("BLOCK_JOB_COMPLETED")
    record BlockJobCompletedEvent(JobType type, String device, long len, long offset, long speed, Optional<String> error)
            implements Event {}

    @Name("BLOCK_JOB_CANCELLED")
    record BlockJobCancelledEvent(JobType type, String device, long len, long offset, long speed) implements Event {}

    @Name("BLOCK_JOB_READY")
    record BlockJobReadyEvent(JobType type, String device, long len, long offset, long speed) implements Event {}

    @Name("BLOCK_JOB_PENDING")
    record BlockJobPendingEvent(JobType type, String id) implements Event {}

    @Name("BLOCK_JOB_ERROR")
    record BlockJobErrorEvent(String device, IoOperationType operation, BlockErrorAction action) implements Event {}

    enum IoOperationType {
        READ,
        WRITE
    }

    enum BlockErrorAction {
        IGNORE,
        REPORT,
        STOP
    }

    enum BlockdevOnError {
        REPORT,
        IGNORE,
        ENOSPC,
        STOP,
        AUTO
    }

    /// Whether a command makes the image it names.
    enum NewImageMode {
        EXISTING,
        ABSOLUTE_PATHS
    }

    enum MirrorSyncMode {
        TOP,
        FULL,
        NONE,
        INCREMENTAL,
        BITMAP
    }

    enum BitmapSyncMode {
        ON_SUCCESS,
        NEVER,
        ALWAYS
    }

    @Name("blockdev-snapshot-sync")
    record BlockdevSnapshotSync(
            Optional<String> device, @Name("node-name") Optional<String> nodeName, String snapshotFile, Optional<String> format,
            Optional<NewImageMode> mode) implements Command<Empty> {}

    /// `speed` in bytes a second.
    record BlockCommit(
            Optional<String> jobId, String device, Optional<String> base, Optional<String> top, Optional<Long> speed,
            Optional<BlockdevOnError> onError, Optional<Boolean> autoFinalize, Optional<Boolean> autoDismiss) implements Command<Empty> {}

    /// `speed` in bytes a second.
    record BlockStream(
            Optional<String> jobId, String device, Optional<String> base, Optional<Long> speed,
            Optional<BlockdevOnError> onError, Optional<Boolean> autoFinalize, Optional<Boolean> autoDismiss) implements Command<Empty> {}

    /// `speed` in bytes a second. `granularity` and `bufSize`, in bytes, are advice that is not needed here.
    record DriveMirror(
            Optional<String> jobId, String device, String target, Optional<String> format, MirrorSyncMode sync,
            Optional<NewImageMode> mode, Optional<Long> speed, Optional<Long> granularity, @Name("buf-size") Optional<Long> bufSize,
            Optional<BlockdevOnError> onSourceError, Optional<BlockdevOnError> onTargetError, Optional<Boolean> unmap,
            Optional<Boolean> autoFinalize, Optional<Boolean> autoDismiss) implements Command<Empty> {}

    /// The same into a node that was added.
    record BlockdevMirror(
            Optional<String> jobId, String device, String target, MirrorSyncMode sync, Optional<Long> speed, Optional<Long> granularity,
            @Name("buf-size") Optional<Long> bufSize, Optional<BlockdevOnError> onSourceError, Optional<BlockdevOnError> onTargetError,
            Optional<Boolean> autoFinalize, Optional<Boolean> autoDismiss) implements Command<Empty> {}

    /// `speed` in bytes a second.
    record DriveBackup(
            Optional<String> jobId, String device, String target, Optional<String> format, MirrorSyncMode sync,
            Optional<NewImageMode> mode, Optional<Long> speed, Optional<String> bitmap, Optional<BitmapSyncMode> bitmapMode,
            Optional<BlockdevOnError> onSourceError, Optional<BlockdevOnError> onTargetError, Optional<Boolean> autoFinalize,
            Optional<Boolean> autoDismiss) implements Command<Empty> {}

    /// The same into a node that was added.
    record BlockdevBackup(
            Optional<String> jobId, String device, String target, MirrorSyncMode sync, Optional<Long> speed, Optional<String> bitmap,
            Optional<BitmapSyncMode> bitmapMode, Optional<BlockdevOnError> onSourceError, Optional<BlockdevOnError> onTargetError,
            Optional<Boolean> autoFinalize, Optional<Boolean> autoDismiss) implements Command<Empty> {}

    /// `granularity` in bytes.
    record BlockDirtyBitmapAdd(
            String node, String name, Optional<Long> granularity, Optional<Boolean> persistent, Optional<Boolean> disabled)
            implements Command<Empty> {}

    record BlockDirtyBitmapRemove(String node, String name) implements Command<Empty> {}

    record BlockDirtyBitmapClear(String node, String name) implements Command<Empty> {}

    record BlockDirtyBitmapEnable(String node, String name) implements Command<Empty> {}

    record BlockDirtyBitmapDisable(String node, String name) implements Command<Empty> {}

    record BlockDirtyBitmapMerge(String node, String target, List<String> bitmaps) implements Command<Empty> {}

    /// What is done to several disks at one moment, or not at all.
    record Transaction(List<TransactionAction> actions) implements Command<Empty> {}

    @Discriminator("type")
    sealed interface TransactionAction {
        @Name("abort")
        record Abort(Empty data) implements TransactionAction {}

        @Name("blockdev-snapshot-sync")
        record SnapshotSync(BlockdevSnapshotSync data) implements TransactionAction {}

        @Name("drive-backup")
        record Drive(DriveBackup data) implements TransactionAction {}

        @Name("blockdev-backup")
        record Blockdev(BlockdevBackup data) implements TransactionAction {}

        @Name("block-dirty-bitmap-add")
        record BitmapAdd(BlockDirtyBitmapAdd data) implements TransactionAction {}

        @Name("block-dirty-bitmap-clear")
        record BitmapClear(BlockDirtyBitmapClear data) implements TransactionAction {}

        @Name("block-dirty-bitmap-enable")
        record BitmapEnable(BlockDirtyBitmapEnable data) implements TransactionAction {}

        @Name("block-dirty-bitmap-disable")
        record BitmapDisable(BlockDirtyBitmapDisable data) implements TransactionAction {}

        @Name("block-dirty-bitmap-merge")
        record BitmapMerge(BlockDirtyBitmapMerge data) implements TransactionAction {}
    }

    /// Opens an image that disks and jobs are given by the name of its node. `file` is the name of a node of the driver `file`, or says
    /// what would make one; `backing` null leaves the layers below it out.
    record BlockdevAdd(
            BlockdevDriver driver, Optional<String> nodeName, Optional<Boolean> readOnly, Optional<BlockdevDiscardOptions> discard,
            Optional<BlockdevCacheOptions> cache, Optional<String> filename, Optional<Object> file, Optional<JsonNull> backing)
            implements Command<Empty> {}

    enum BlockdevDriver {
        FILE,
        @Name("host_device")
        HOST_DEVICE,
        QCOW2,
        RAW,
        VHDX,
        VMDK,
        VPC
    }

    enum BlockdevDiscardOptions {
        IGNORE,
        UNMAP
    }

    record BlockdevCacheOptions(Optional<Boolean> direct, @Name("no-flush") Optional<Boolean> noFlush) {}

    record BlockdevDel(String nodeName) implements Command<Empty> {}
}
