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

    /// A second's worth of bytes and requests; 0 does not limit.
    @Name("block_set_io_throttle")
    record BlockSetIoThrottle(
            Optional<String> device, Optional<String> id, long bps, @Name("bps_rd") long bpsRd, @Name("bps_wr") long bpsWr, long iops,
            @Name("iops_rd") long iopsRd, @Name("iops_wr") long iopsWr) implements Command<Empty> {}

    @Name("DEVICE_TRAY_MOVED")
    record DeviceTrayMovedEvent(String device, String id, boolean trayOpen) implements Event {}
}
