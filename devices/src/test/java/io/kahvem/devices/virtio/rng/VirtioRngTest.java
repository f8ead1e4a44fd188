package io.kahvem.devices.virtio.rng;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.virtio.TestTransport;
import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class VirtioRngTest {
    @Test
    void fillsEachBufferAndInterruptsOnce() {
        try (TestTransport t = new TestTransport(new VirtioRng(bytes -> Arrays.fill(bytes, (byte) 0x5a)), 0)) {
            FakeDriver driver = t.driver(0);
            long first = driver.buffer(100);
            long second = driver.buffer(8192);
            int a = driver.offer(new Buffer(first, 100, true));
            int b = driver.offer(new Buffer(second, 8192, true));
            t.control.notifyQueue(0);
            assertThat(driver.takeUsed()).isEqualTo(new FakeDriver.Used(a, 100));
            assertThat(driver.takeUsed()).isEqualTo(new FakeDriver.Used(b, 4096));
            assertThat(t.queueInterrupts[0]).isEqualTo(1);
            for (int n = 0; n < 100; n++) assertThat(t.memory.read8(first + n)).isEqualTo(0x5a);
            assertThat(t.memory.read8(second + 4096)).isZero();
        }
    }
}
