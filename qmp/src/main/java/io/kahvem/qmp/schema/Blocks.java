package io.kahvem.qmp.schema;

import java.util.List;
import java.util.Optional;

/// Disks and drives: QEMU's block-core.json and block.json.
public interface Blocks {
    record QueryBlockstats(Optional<Boolean> queryNodes) implements Command<List<BlockStats>> {}

    record BlockStats(Optional<String> device, Optional<String> qdev, BlockDeviceStats stats) {}

    /// Since the machine's start; bytes and nanoseconds.
    record BlockDeviceStats(
            @Name("rd_bytes") long rdBytes, @Name("wr_bytes") long wrBytes, @Name("rd_operations") long rdOperations,
            @Name("wr_operations") long wrOperations, @Name("flush_operations") long flushOperations,
            @Name("flush_total_time_ns") long flushTotalTimeNs, @Name("wr_total_time_ns") long wrTotalTimeNs,
            @Name("rd_total_time_ns") long rdTotalTimeNs, @Name("failed_rd_operations") long failedRdOperations,
            @Name("failed_wr_operations") long failedWrOperations) {}

    record BlockdevChangeMedium(Optional<String> device, Optional<String> id, String filename, Optional<String> format)
            implements Command<Empty> {}

    record Eject(Optional<String> device, Optional<String> id, Optional<Boolean> force) implements Command<Empty> {}

    /// A second's worth of bytes and requests; 0 does not limit. `max` is what a burst may have in a second, for `length` seconds. Requests
    /// larger than `iopsSize` bytes count as several.
    @Name("block_set_io_throttle")
    record BlockSetIoThrottle(
            Optional<String> device, Optional<String> id, long bps, @Name("bps_rd") long bpsRd, @Name("bps_wr") long bpsWr, long iops,
            @Name("iops_rd") long iopsRd, @Name("iops_wr") long iopsWr,
            @Name("bps_max") Optional<Long> bpsMax, @Name("bps_rd_max") Optional<Long> bpsRdMax,
            @Name("bps_wr_max") Optional<Long> bpsWrMax, @Name("iops_max") Optional<Long> iopsMax,
            @Name("iops_rd_max") Optional<Long> iopsRdMax, @Name("iops_wr_max") Optional<Long> iopsWrMax,
            @Name("bps_max_length") Optional<Long> bpsMaxLength, @Name("bps_rd_max_length") Optional<Long> bpsRdMaxLength,
            @Name("bps_wr_max_length") Optional<Long> bpsWrMaxLength, @Name("iops_max_length") Optional<Long> iopsMaxLength,
            @Name("iops_rd_max_length") Optional<Long> iopsRdMaxLength, @Name("iops_wr_max_length") Optional<Long> iopsWrMaxLength,
            @Name("iops_size") Optional<Long> iopsSize) implements Command<Empty> {
        /// Without bursts.
        public BlockSetIoThrottle(
                Optional<String> device, Optional<String> id, long bps, long bpsRd, long bpsWr, long iops, long iopsRd, long iopsWr) {
            this(device, id, bps, bpsRd, bpsWr, iops, iopsRd, iopsWr, Optional.empty(), Optional.empty(), Optional.empty(),
                    Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
                    Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        }
    }

    @Name("DEVICE_TRAY_MOVED")
    record DeviceTrayMovedEvent(String device, String id, boolean trayOpen) implements Event {}

    /// `size` in bytes.
    @Name("block_resize")
    record BlockResize(Optional<String> device, @Name("node-name") Optional<String> nodeName, long size) implements Command<Empty> {}

    record QueryBlock() implements Command<List<BlockInfo>> {}

    record BlockInfo(
            String device, Optional<String> qdev, String type, boolean removable, boolean locked, Optional<BlockDeviceInfo> inserted,
            @Name("tray_open") Optional<Boolean> trayOpen, @Name("io-status") Optional<BlockDeviceIoStatus> ioStatus) {}

    /// An image in a drive. Limits are a second's worth of bytes and requests; 0 does not limit.
    record BlockDeviceInfo(
            String file, boolean ro, String drv, @Name("backing_file") Optional<String> backingFile,
            @Name("backing_file_depth") long backingFileDepth, boolean encrypted, @Name("detect_zeroes") DetectZeroes detectZeroes,
            long bps,
            @Name("bps_rd") long bpsRd, @Name("bps_wr") long bpsWr, long iops, @Name("iops_rd") long iopsRd, @Name("iops_wr") long iopsWr,
            ImageInfo image, @Name("bps_max") Optional<Long> bpsMax, @Name("bps_rd_max") Optional<Long> bpsRdMax,
            @Name("bps_wr_max") Optional<Long> bpsWrMax, @Name("iops_max") Optional<Long> iopsMax,
            @Name("iops_rd_max") Optional<Long> iopsRdMax, @Name("iops_wr_max") Optional<Long> iopsWrMax,
            @Name("bps_max_length") Optional<Long> bpsMaxLength, @Name("bps_rd_max_length") Optional<Long> bpsRdMaxLength,
            @Name("bps_wr_max_length") Optional<Long> bpsWrMaxLength, @Name("iops_max_length") Optional<Long> iopsMaxLength,
            @Name("iops_rd_max_length") Optional<Long> iopsRdMaxLength, @Name("iops_wr_max_length") Optional<Long> iopsWrMaxLength,
            @Name("iops_size") Optional<Long> iopsSize, BlockdevCacheInfo cache, @Name("write_threshold") long writeThreshold,
            @Name("dirty-bitmaps") Optional<List<BlockDirtyInfo>> dirtyBitmaps) {}

    /// `count` and `granularity` in bytes.
    record BlockDirtyInfo(
            String name, long count, long granularity, boolean recording, boolean busy, boolean persistent,
            Optional<Boolean> inconsistent) {}

    enum DetectZeroes {
        OFF
    }

    record BlockdevCacheInfo(boolean writeback, boolean direct, boolean noFlush) {}

    /// `virtualSize` in bytes.
    record ImageInfo(String filename, String format, long virtualSize) {}

    enum BlockDeviceIoStatus {
        OK,
        FAILED,
        NOSPACE
    }
}
