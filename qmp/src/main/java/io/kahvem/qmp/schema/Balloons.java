package io.kahvem.qmp.schema;

/// The memory balloon: QEMU's machine.json.
public interface Balloons {
    /// Asks the guest to keep `value` bytes and give the rest back.
    record Balloon(long value) implements Command<Empty> {}

    record QueryBalloon() implements Command<BalloonInfo> {}

    /// @param actual bytes that the guest has
    record BalloonInfo(long actual) {}

    @Name("BALLOON_CHANGE")
    record BalloonChangeEvent(long actual) implements Event {}

    /// qom-set of a number: the balloon's `guest-stats-polling-interval`, in seconds.
    @Name("qom-set")
    record QomSetNumber(String path, String property, long value) implements Command<Empty> {}
}
