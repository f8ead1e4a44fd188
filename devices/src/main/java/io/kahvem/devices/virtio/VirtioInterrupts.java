package io.kahvem.devices.virtio;

/// How a transport carries a device's notifications to the driver. Any thread; calls back nothing.
public interface VirtioInterrupts {
    /// A used buffer notification of this queue.
    void queue(int index);

    /// A configuration change notification.
    void configuration();
}
