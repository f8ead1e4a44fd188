package io.kahvem.devices.virtio.transport;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.virtio.VirtioControl;
import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import io.kahvem.devices.virtio.rng.VirtioRng;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VirtioMmioTest {
    private final GuestMemory memory = new GuestMemory();
    private final Line irq = new Line();
    private final VirtioMmio mmio = new VirtioMmio(new VirtioRng(bytes -> Arrays.fill(bytes, (byte) 7)), memory, irq);

    @BeforeEach
    void mapMemory() {
        memory.add(0, HostMemory.system().map(2L << 20), false);
    }

    @AfterEach
    void unmapMemory() {
        memory.close();
    }

    @Test
    void tellsWhatItIs() {
        assertThat(read(0x000)).isEqualTo(0x7472_6976);
        assertThat(read(0x004)).isEqualTo(2);
        assertThat(read(0x008)).isEqualTo(4);
        write(0x014, 1);
        assertThat(read(0x010) & 1).isEqualTo(1); // VERSION_1
        write(0x030, 1);
        assertThat(read(0x034)).isZero();
        write(0x030, 0);
        assertThat(read(0x034)).isEqualTo(64);
        assertThat(mmio.read(0x000, 1)).isZero();
    }

    @Test
    void aDriverStartsItAndIsInterrupted() {
        FakeDriver driver = start(false);
        long gpa = driver.buffer(16);
        driver.offer(new Buffer(gpa, 16, true));
        write(0x050, 0);
        assertThat(requireNonNull(driver.takeUsed()).written()).isEqualTo(16);
        assertThat(memory.read8(gpa)).isEqualTo(7);
        assertThat(irq.level).isTrue();
        assertThat(read(0x060)).isEqualTo(1);
        write(0x064, 1);
        assertThat(irq.level).isFalse();
        write(0x050, 99); // no such queue
    }

    @Test
    void featuresThatWereNotOfferedAreRefused() {
        write(0x070, VirtioControl.ACKNOWLEDGE | VirtioControl.DRIVER);
        write(0x024, 0);
        write(0x020, 1);
        write(0x024, 1);
        write(0x020, 1);
        write(0x070, VirtioControl.ACKNOWLEDGE | VirtioControl.DRIVER | VirtioControl.FEATURES_OK);
        assertThat(read(0x070)).isEqualTo(VirtioControl.ACKNOWLEDGE | VirtioControl.DRIVER);
        write(0x024, 0);
        write(0x020, 0);
        write(0x070, VirtioControl.ACKNOWLEDGE | VirtioControl.DRIVER | VirtioControl.FEATURES_OK);
        assertThat(read(0x070) & VirtioControl.FEATURES_OK).isNotZero();
        write(0x024, 1);
        write(0x020, 0); // too late
        write(0x070, 0xf);
        assertThat(read(0x070)).isEqualTo(0xf);
    }

    @Test
    void aMalformedRingNeedsAResetWhichMendsIt() {
        FakeDriver driver = start(false);
        driver.writeAvailable(64);
        write(0x050, 0);
        assertThat(read(0x070) & VirtioControl.DEVICE_NEEDS_RESET).isNotZero();
        assertThat(read(0x060)).isEqualTo(2);
        assertThat(mmio.control().fault()).hasValueSatisfying(why -> assertThat(why).contains("queue 0: descriptor 64 of 64"));
        write(0x070, 0);
        assertThat(read(0x070)).isZero();
        assertThat(irq.level).isFalse();
        FakeDriver again = start(true);
        again.offer(new Buffer(again.buffer(16), 16, true));
        write(0x050, 0);
        assertThat(again.takeUsed()).isNotNull();
    }

    @Test
    void aQueueIsResetByItself() {
        start(false);
        assertThat(read(0x044)).isEqualTo(1);
        write(0x0c0, 1);
        assertThat(read(0x0c0)).isZero();
        assertThat(read(0x044)).isZero();
        assertThat(read(0x070)).isEqualTo(0xf);
        FakeDriver again = new FakeDriver(memory, 0x10_0000, 16, false, true, true);
        enable(again);
        again.offer(new Buffer(again.buffer(16), 16, true));
        write(0x050, 0);
        assertThat(again.takeUsed()).isNotNull();
    }

    private FakeDriver start(boolean packed) {
        write(0x070, 1);
        write(0x070, 3);
        write(0x024, 0);
        write(0x020, 3 << 28);
        write(0x024, 1);
        write(0x020, packed ? 5 | 1 << 8 : 1 | 1 << 8);
        write(0x070, 11);
        FakeDriver driver = new FakeDriver(memory, 0x10_0000, 64, packed, true, true);
        enable(driver);
        write(0x070, 15);
        assertThat(read(0x070)).isEqualTo(15);
        return driver;
    }

    private void enable(FakeDriver driver) {
        write(0x030, 0);
        write(0x038, driver.layout().size());
        write(0x080, (int) driver.layout().descGpa());
        write(0x084, 0);
        write(0x090, (int) driver.layout().driverGpa());
        write(0x0a0, (int) driver.layout().deviceGpa());
        write(0x044, 1);
    }

    private int read(int offset) {
        return (int) mmio.read(offset, 4);
    }

    private void write(int offset, int value) {
        mmio.write(offset, 4, value);
    }
}
