package io.kahvem.devices.virtio;

/// A virtio device (virtio 1.2, 5), which knows no transport.
///
/// Between [#activate] and [#reset] it serves its queues. All calls come from [VirtioControl], one at a time but for
/// [#queueNotified], which may come on several vCPU threads at once.
public interface VirtioDevice {
    /// 5: the device ID, as 2 of a block device.
    int deviceId();

    /// The device's own feature bits that it offers; those of rings and transports are not its matter.
    default long features() {
        return 0;
    }

    /// The largest size of each queue, a power of 2; as many as there are queues.
    int[] queueSizes();

    /// The device-specific configuration.
    ConfigSpace config();

    /// The driver wrote `size` bytes at `offset` of the configuration, which the device may take over or not.
    default void configWritten(int offset, int size, long value) {}

    /// DRIVER_OK: the queues may be used from here on.
    void activate(Activation activation);

    /// The driver has made buffers available in a queue (an available buffer notification). On a vCPU thread: what takes long is not
    /// done here.
    void queueNotified(int index);

    /// One queue is reset by itself (2.6.1): returns when the device has none of its buffers in use.
    void queueReset(int index);

    /// Back to the beginning. Returns when no thread of the device uses the queues or the guest's memory any more.
    void reset();
}
