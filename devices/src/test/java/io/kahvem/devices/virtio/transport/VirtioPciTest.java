package io.kahvem.devices.virtio.transport;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import io.kahvem.devices.virtio.rng.VirtioRng;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VirtioPciTest {
    private static final long BAR4 = 0x8_0000_0000L;
    private static final long BAR1 = 0xf000_0000L;
    private static final int COMMON = 1;
    private static final int NOTIFY = 2;
    private static final int ISR = 3;

    private final GuestMemory memory = new GuestMemory();
    private final List<String> messages = new ArrayList<>();
    private final Line intx = new Line();
    private final IoBus mmio = new IoBus("MMIO");
    private final PciBus pci = new PciBus(new PciBus.Wiring(
            new IoBus("ports"), mmio, (address, data) -> messages.add("%x:%x".formatted(address, data)), (slot, pin) -> intx));
    private final VirtioPci device = new VirtioPci(new VirtioRng(bytes -> Arrays.fill(bytes, (byte) 7)), memory);

    @BeforeEach
    void plugIn() {
        memory.add(0, HostMemory.system().map(2L << 20), false);
        pci.add(3, 0, device);
        device.writeConfig(0x14, 4, (int) BAR1);
        device.writeConfig(0x20, 4, (int) BAR4);
        device.writeConfig(0x24, 4, (int) (BAR4 >> 32));
        device.writeConfig(PciFunction.COMMAND, 2, PciFunction.COMMAND_MEMORY | PciFunction.COMMAND_BUS_MASTER);
    }

    @AfterEach
    void free() {
        memory.close();
    }

    @Test
    void itsIdsAndCapabilitiesLeadToItsStructures() {
        assertThat(device.readConfig(0, 4)).isEqualTo(0x1044_1af4);
        assertThat(device.readConfig(8, 1)).isEqualTo(1);
        List<Integer> types = new ArrayList<>();
        for (int at = device.readConfig(0x34, 1); at != 0; at = device.readConfig(at + 1, 1)) {
            types.add(device.readConfig(at, 1) == 9 ? device.readConfig(at + 3, 1) : device.readConfig(at, 1));
        }
        assertThat(types).containsExactlyInAnyOrder(0x11, 1, 2, 3, 4, 5);
        assertThat(read(COMMON, 0x12, 2)).isEqualTo(1);
        write(COMMON, 0x16, 2, 1); // no such queue
        assertThat(read(COMMON, 0x18, 2)).isZero();
    }

    @Test
    void interruptsByThePinUntilTheStatusIsRead() {
        FakeDriver driver = start();
        serveOne(driver);
        assertThat(intx.level).isTrue();
        assertThat(messages).isEmpty();
        assertThat(read(ISR, 0, 1)).isEqualTo(1);
        assertThat(intx.level).isFalse();
        assertThat(read(ISR, 0, 1)).isZero();
    }

    @Test
    void interruptsByTheQueuesVector() {
        int msix = capability(0x11, -1);
        device.writeConfig(msix + 2, 2, 1 << 15);
        mmio.write(BAR1 + 16, 4, 0xfee0_0000L);
        mmio.write(BAR1 + 24, 4, 0x41);
        mmio.write(BAR1 + 28, 4, 0);
        FakeDriver driver = start();
        write(COMMON, 0x1a, 2, 2); // past the last vector
        assertThat(read(COMMON, 0x1a, 2)).isEqualTo(0xffff);
        write(COMMON, 0x1a, 2, 1);
        assertThat(read(COMMON, 0x1a, 2)).isEqualTo(1);
        serveOne(driver);
        assertThat(messages).containsExactly("fee00000:41");
        assertThat(intx.level).isFalse();
    }

    @Test
    void theStructuresAreReachedThroughConfigurationSpaceToo() {
        int window = capability(9, 5);
        device.writeConfig(window + 4, 1, 4);
        device.writeConfig(window + 8, 4, 0x14);
        device.writeConfig(window + 12, 4, 1);
        device.writeConfig(window + 16, 1, 3);
        assertThat(read(COMMON, 0x14, 1)).isEqualTo(3);
        assertThat(device.readConfig(window + 16, 1)).isEqualTo(3);
        device.writeConfig(window + 8, 4, 0x3fff_ffff);
        device.writeConfig(window + 16, 1, 3); // leads nowhere
    }

    @Test
    void resetByTheDriverAndByTheMachine() {
        FakeDriver driver = start();
        serveOne(driver);
        write(COMMON, 0x14, 1, 0);
        assertThat(read(COMMON, 0x14, 1)).isZero();
        assertThat(read(COMMON, 0x1c, 2)).isZero();
        assertThat(intx.level).isFalse();
        start();
        device.reset();
        assertThat(device.control().status()).isZero();
        assertThat(mmio.read(BAR4, 4)).isEqualTo(0xffff_ffffL);
    }

    private FakeDriver start() {
        write(COMMON, 0x14, 1, 1);
        write(COMMON, 0x14, 1, 3);
        write(COMMON, 0x08, 4, 0);
        write(COMMON, 0x0c, 4, 3 << 28);
        write(COMMON, 0x08, 4, 1);
        write(COMMON, 0x0c, 4, 1);
        write(COMMON, 0x14, 1, 11);
        assertThat(read(COMMON, 0x14, 1)).isEqualTo(11);
        FakeDriver driver = new FakeDriver(memory, 0x10_0000, 32, false, true, true);
        write(COMMON, 0x16, 2, 0);
        write(COMMON, 0x18, 2, 32);
        write(COMMON, 0x20, 4, (int) driver.layout().descGpa());
        write(COMMON, 0x28, 4, (int) driver.layout().driverGpa());
        write(COMMON, 0x30, 4, (int) driver.layout().deviceGpa());
        write(COMMON, 0x1c, 2, 1);
        assertThat(read(COMMON, 0x1c, 2)).isEqualTo(1);
        write(COMMON, 0x14, 1, 15);
        return driver;
    }

    private void serveOne(FakeDriver driver) {
        driver.offer(new Buffer(driver.buffer(16), 16, true));
        write(NOTIFY, read(COMMON, 0x1e, 2) * 4, 2, 0);
        assertThat(requireNonNull(driver.takeUsed()).written()).isEqualTo(16);
    }

    private int capability(int id, int type) {
        for (int at = device.readConfig(0x34, 1); at != 0; at = device.readConfig(at + 1, 1)) {
            if (device.readConfig(at, 1) == id && (type < 0 || device.readConfig(at + 3, 1) == type)) return at;
        }
        throw new AssertionError("no capability " + id);
    }

    private long structure(int type) {
        int at = capability(9, type);
        assertThat(device.readConfig(at + 4, 1)).isEqualTo(4);
        return BAR4 + device.readConfig(at + 8, 4);
    }

    private int read(int structure, int offset, int size) {
        return (int) mmio.read(structure(structure) + offset, size);
    }

    private void write(int structure, int offset, int size, int value) {
        mmio.write(structure(structure) + offset, size, value);
    }
}
