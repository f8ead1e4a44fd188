package io.kahvem.devices.virtio;

import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;

/// A device with a driver that a test plays, and no transport between them.
public final class TestTransport implements AutoCloseable {
    private static final long QUEUES = 1L << 20;

    public final GuestMemory memory = new GuestMemory();
    public final VirtioControl control;
    public final List<FakeDriver> drivers = new ArrayList<>();

    /// How many interrupts of each queue, and of the configuration.
    public final int[] queueInterrupts;

    public volatile int configInterrupts;

    /// @param wanted device features the driver takes, if they are offered
    public TestTransport(VirtioDevice device, long wanted) {
        this(device, wanted, true);
    }

    public TestTransport(VirtioDevice device, long wanted, boolean packed) {
        int queues = device.queueSizes().length;
        queueInterrupts = new int[queues];
        memory.add(0, HostMemory.system().map((queues + 1) * QUEUES), false);
        control = new VirtioControl(device, memory, new VirtioInterrupts() {
            @Override
            public void queue(int index) {
                synchronized (queueInterrupts) {
                    queueInterrupts[index]++;
                    queueInterrupts.notifyAll();
                }
            }

            @Override
            public void configuration() {
                configInterrupts++;
            }
        });
        start(wanted, packed);
    }

    /// As drivers do it (virtio 1.2, 3.1.1).
    public void start(long wanted, boolean packed) {
        control.writeStatus(0);
        control.writeStatus(VirtioControl.ACKNOWLEDGE);
        control.writeStatus(VirtioControl.ACKNOWLEDGE | VirtioControl.DRIVER);
        long offered = control.deviceFeatures(0) & 0xffff_ffffL | (long) control.deviceFeatures(1) << 32;
        long ring = VirtioFeatures.VERSION_1 | VirtioFeatures.INDIRECT_DESC | (packed ? VirtioFeatures.RING_PACKED : 0);
        long accepted = offered & (wanted | ring);
        control.writeDriverFeatures(0, (int) accepted);
        control.writeDriverFeatures(1, (int) (accepted >>> 32));
        control.writeStatus(control.status() | VirtioControl.FEATURES_OK);
        if ((control.status() & VirtioControl.FEATURES_OK) == 0) throw new AssertionError("features were refused");
        drivers.clear();
        for (int n = 0; n < control.queueCount(); n++) {
            FakeDriver driver = new FakeDriver(memory, QUEUES * (n + 1), control.maxQueueSize(n), packed, true, false);
            drivers.add(driver);
            control.setQueueSize(n, control.maxQueueSize(n));
            control.setQueueDesc(n, driver.layout().descGpa());
            control.setQueueDriver(n, driver.layout().driverGpa());
            control.setQueueDevice(n, driver.layout().deviceGpa());
            control.enableQueue(n);
        }
        control.writeStatus(control.status() | VirtioControl.DRIVER_OK);
    }

    public FakeDriver driver(int queue) {
        return drivers.get(queue);
    }

    /// Waits until a queue's chain has come back, and takes it.
    public FakeDriver.Used await(int queue) throws InterruptedException {
        synchronized (queueInterrupts) {
            long end = System.nanoTime() + 20_000_000_000L;
            while (true) {
                FakeDriver.Used used = driver(queue).takeUsed();
                if (used != null) return used;
                if (System.nanoTime() > end) throw new AssertionError("nothing came back; fault: " + control.fault());
                queueInterrupts.wait(100);
            }
        }
    }

    @Override
    public void close() {
        control.reset();
        memory.close();
    }
}
