package io.kahvem.devices.virtio;

import io.kahvem.devices.virtio.queue.Virtqueue;
import java.util.List;

/// What a device works with while its driver does.
///
/// @param features those that were negotiated
/// @param queues all of them, also those the driver did not enable, which have no requests
/// @param configChanged tells the driver that the configuration has changed; any thread
public record Activation(long features, List<Virtqueue> queues, Runnable configChanged) {
    public boolean has(long feature) {
        return (features & feature) != 0;
    }

    public Virtqueue queue(int index) {
        return queues.get(index);
    }
}
