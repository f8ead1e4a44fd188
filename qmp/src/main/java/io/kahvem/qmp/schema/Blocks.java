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

    @Name("DEVICE_TRAY_MOVED")
    record DeviceTrayMovedEvent(String device, String id, boolean trayOpen) implements Event {}
}
