package io.kahvem.devices.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.bus.BytePort;
import io.kahvem.devices.bus.IoBus;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PciBusTest {
    private final List<Integer> resetControl = new ArrayList<>();
    private final IoBus ports = new IoBus("ports");
    private final IoBus mmio = new IoBus("MMIO");
    private final PciBus pci = new PciBus(new PciBus.Wiring(ports, mmio, (address, data) -> {}, (slot, pin) -> InterruptLine.NONE));
    private final PciHost host = new PciHost(pci, new BytePort(() -> 0x02, resetControl::add));
    private final Example example = new Example();

    @BeforeEach
    void plugIn() {
        pci.add(0, 0, new Host());
        pci.add(3, 0, example);
        ports.add("address", 0xcf8, PciHost.PORTS, host.addressPorts());
        ports.add("data", 0xcfc, PciHost.PORTS, host.dataPorts());
    }

    @Test
    void theHostBridgeIsFoundAndEverythingElseIsEmpty() {
        assertThat(config(0, 0, 0, 0, 4)).isEqualTo(0x29c0_8086);
        assertThat(config(0, 0, 0, 0x0a, 2)).isEqualTo(0x0600);
        assertThat(config(0, 0, 0, 0x0e, 1)).isZero();
        assertThat(config(0, 0, 1, 0, 4)).isEqualTo(-1);
        assertThat(config(0, 1, 0, 0, 2)).isEqualTo(0xffff);
        assertThat(config(1, 0, 0, 0, 4)).isEqualTo(-1);
        ports.write(0xcf8, 4, 0);
        assertThat(ports.read(0xcfc, 4)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void theAddressRegisterIsReadBackAndIgnoresNarrowWrites() {
        ports.write(0xcf8, 4, 0x8000_0000L);
        ports.write(0xcfb, 1, 0x01); // how Linux probes for mechanism #1
        assertThat(ports.read(0xcf8, 4)).isEqualTo(0x8000_0000L);
        ports.write(0xcf8, 2, 0xffff);
        assertThat(ports.read(0xcf8, 4)).isEqualTo(0x8000_0000L);
    }

    @Test
    void theResetControlRegisterLiesInTheAddressRegister() {
        ports.write(0xcf9, 1, 0x06);
        assertThat(resetControl).containsExactly(0x06);
        assertThat(ports.read(0xcf9, 1)).isEqualTo(0x02);
    }

    @Test
    void onlyWritableBitsChangeAndResetBringsThemBack() {
        config(0, 3, 0, PciFunction.COMMAND, 2);
        ports.write(0xcfc, 2, 0xffff);
        assertThat(ports.read(0xcfc, 2)).isEqualTo(0x0406);
        config(0, 3, 0, PciFunction.INTERRUPT_LINE, 1);
        ports.write(0xcfc, 1, 11);
        assertThat(config(0, 3, 0, PciFunction.INTERRUPT_LINE, 2)).isEqualTo(0x010b);
        assertThat(example.written).containsExactly("4/2", "60/1");

        pci.reset();
        assertThat(config(0, 3, 0, PciFunction.COMMAND, 2)).isZero();
    }

    @Test
    void memoryMappedConfigurationReachesTheSameFunctionsAndTheirExtendedSpace() {
        mmio.add("ECAM", 0xb000_0000L, 256 * PciHost.ECAM_BYTES_PER_BUS, host.ecam());
        long at = 0xb000_0000L + (3 << 15);
        assertThat(mmio.read(at, 4)).isEqualTo(0x1044_1af4L);
        assertThat(mmio.read(at + 0x100, 4)).isZero();
        assertThat(mmio.read(at + 0x1000, 4)).isEqualTo(0xffff_ffffL);
        mmio.write(at + PciFunction.INTERRUPT_LINE, 1, 7);
        assertThat(config(0, 3, 0, PciFunction.INTERRUPT_LINE, 1)).isEqualTo(7);
    }

    @Test
    void functionsOfASlotAreToldOfInTheHeaderOfTheFirst() {
        assertThat(config(0, 3, 0, PciFunction.HEADER_TYPE, 1)).isZero();
        pci.add(3, 1, new Example());
        assertThat(config(0, 3, 0, PciFunction.HEADER_TYPE, 1)).isEqualTo(0x80);
        assertThat(config(0, 3, 1, 0, 4)).isEqualTo(0x1044_1af4);
        pci.remove(3);
        assertThat(config(0, 3, 1, 0, 4)).isEqualTo(-1);
        assertThat(pci.addToFreeSlot(3, new Example())).isEqualTo(3);
        assertThat(pci.addToFreeSlot(3, new Example())).isEqualTo(4);
    }

    @Test
    void aBridgeLeadsToTheBusNumbersThatItWasGiven() {
        Bridge bridge = new Bridge(pci, 5);
        pci.add(5, 0, bridge);
        bridge.secondary().add(0, 0, new Example());
        assertThat(config(1, 0, 0, 0, 4)).isEqualTo(-1);
        config(0, 5, 0, PciBridge.PRIMARY_BUS, 4);
        ports.write(0xcfc, 4, 0x0003_0200);
        assertThat(config(2, 0, 0, 0, 4)).isEqualTo(0x1044_1af4);
        assertThat(config(2, 1, 0, 0, 4)).isEqualTo(-1);
        assertThat(config(3, 0, 0, 0, 4)).isEqualTo(-1);
        assertThat(config(4, 0, 0, 0, 4)).isEqualTo(-1);

        config(2, 0, 0, PciFunction.COMMAND, 2);
        ports.write(0xcfc, 2, 4);
        config(0, 5, 0, PciBridge.BRIDGE_CONTROL, 2);
        ports.write(0xcfc + 2, 2, 0x40);
        assertThat(config(2, 0, 0, PciFunction.COMMAND, 2)).as("after a reset of the secondary bus").isZero();
    }

    @Test
    void aTakenSlotIsRefused() {
        assertThatThrownBy(() -> pci.add(3, 0, new Example())).hasMessageContaining("00:03.0");
    }

    private int config(int bus, int slot, int function, int register, int size) {
        ports.write(0xcf8, 4, 0x8000_0000L | bus << 16 | slot << 11 | function << 8 | register & 0xfc);
        return (int) ports.read(0xcfc + (register & 3), size);
    }

    private static final class Host extends PciFunction {
        Host() {
            super(0x8086, 0x29c0, 0x060000, 2);
        }
    }

    private static final class Bridge extends PciBridge {
        Bridge(PciBus primary, int slot) {
            super(0x1b36, 0x000c, 0, primary, slot, 0);
        }
    }

    private static final class Example extends PciFunction {
        private final List<String> written = new ArrayList<>();

        Example() {
            super(0x1af4, 0x1044, 0x00ff00, 1);
            initialize(INTERRUPT_PIN, 1, 1);
            writable(COMMAND, 2, 0x0406);
        }

        @Override
        protected void configWritten(int offset, int size) {
            written.add(offset + "/" + size);
        }
    }
}
