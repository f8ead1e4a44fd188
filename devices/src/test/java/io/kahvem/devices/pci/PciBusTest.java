package io.kahvem.devices.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.devices.bus.BytePort;
import io.kahvem.devices.bus.IoBus;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PciBusTest {
    private final List<Integer> resetControl = new ArrayList<>();
    private final PciBus pci = new PciBus(new BytePort(() -> 0x02, resetControl::add));
    private final Example example = new Example();
    private final IoBus ports = new IoBus("ports");

    @BeforeEach
    void plugIn() {
        pci.add(0, 0, new HostBridge());
        pci.add(3, 0, example);
        ports.add("address", 0xcf8, PciBus.PORTS, pci.addressPorts());
        ports.add("data", 0xcfc, PciBus.PORTS, pci.dataPorts());
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
    void aTakenSlotIsRefused() {
        assertThatThrownBy(() -> pci.add(3, 0, new Example())).hasMessageContaining("00:03.0");
    }

    private int config(int bus, int slot, int function, int register, int size) {
        ports.write(0xcf8, 4, 0x8000_0000L | bus << 16 | slot << 11 | function << 8 | register & 0xfc);
        return (int) ports.read(0xcfc + (register & 3), size);
    }

    private static final class Example extends PciFunction {
        private final List<String> written = new ArrayList<>();

        Example() {
            super(0x1af4, 0x1044, 0x00ff00, 1);
            initialize(INTERRUPT_PIN, 1, 1);
            writable(COMMAND, 2, 0x0406);
            writable(INTERRUPT_LINE, 1, 0xff);
        }

        @Override
        protected void configWritten(int offset, int size) {
            written.add(offset + "/" + size);
        }
    }
}
