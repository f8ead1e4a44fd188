package io.kahvem.devices.virtio.rng;

import io.kahvem.devices.virtio.Activation;
import io.kahvem.devices.virtio.ConfigSpace;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.queue.DescriptorChain;
import io.kahvem.devices.virtio.queue.Virtqueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// virtio-rng (virtio 1.2, 5.4): one queue, whose buffers are filled with random bytes.
///
/// Lock: this object's monitor.
public final class VirtioRng implements VirtioDevice {
    private static final int DEVICE_ID = 4;
    private static final int REQUESTQ = 0;
    private static final int QUEUE_SIZE = 64;

    /// At most so much of one buffer is filled: 5.4.6.1 asks for a byte or more, and a vCPU waits for it.
    private static final int MOST_BYTES = 4096;

    private final Consumer<byte[]> entropy;
    private final ConfigSpace config = new ConfigSpace(0);
    private final byte[] random = new byte[64];
    private @Nullable Virtqueue requests;

    /// @param entropy fills an array, as SecureRandom does
    public VirtioRng(Consumer<byte[]> entropy) {
        this.entropy = entropy;
    }

    @Override
    public int deviceId() {
        return DEVICE_ID;
    }

    @Override
    public int[] queueSizes() {
        return new int[] {QUEUE_SIZE};
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    @Override
    public synchronized void activate(Activation activation) {
        requests = activation.queue(REQUESTQ);
    }

    @Override
    public synchronized void queueNotified(int index) {
        Virtqueue q = requests;
        if (q == null) return;
        do {
            for (DescriptorChain c; (c = q.poll()) != null; ) q.complete(c, fill(c));
        } while (q.enableNotifications());
        q.notifyDriver();
    }

    @Override
    public void queueReset(int index) {}

    @Override
    public synchronized void reset() {
        requests = null;
    }

    private long fill(DescriptorChain chain) {
        long bytes = Math.min(chain.writable().totalBytes(), MOST_BYTES);
        for (long at = 0; at < bytes; at += random.length) {
            entropy.accept(random);
            chain.writable().write(at, random, 0, (int) Math.min(random.length, bytes - at));
        }
        return bytes;
    }
}
