package io.kahvem.devices.pci;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.Line;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciFunction.BarKind;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PciFunctionTest {
    private static final int MEMORY_AND_MASTER = PciFunction.COMMAND_MEMORY | PciFunction.COMMAND_BUS_MASTER;

    private final List<String> messages = new ArrayList<>();
    private final Line[] pins = {new Line(), new Line(), new Line(), new Line(), new Line()};
    private final IoBus ports = new IoBus("ports");
    private final IoBus mmio = new IoBus("MMIO");
    private final PciBus pci = new PciBus(new PciBus.Wiring(
            ports, mmio, (address, data) -> messages.add("%x:%x".formatted(address, data)), (slot, pin) -> pins[pin]));
    private final GuestMemory memory = new GuestMemory();
    private final Example device = new Example(memory);

    @BeforeEach
    void plugIn() {
        memory.add(0, HostMemory.system().map(1 << 20), false);
        pci.add(3, 0, device);
    }

    @AfterEach
    void free() {
        memory.close();
    }

    @Test
    void aBarTellsItsSizeWhenOnesAreWritten() {
        assertThat(sizing(0x10)).isEqualTo(0xffff_ff01);
        assertThat(sizing(0x14)).isEqualTo(0xffff_f000);
        assertThat(sizing(0x18)).isEqualTo(0xffff_c004);
        assertThat(sizing(0x1c)).isEqualTo(-1);
        assertThat(sizing(0x20)).isEqualTo(0xfff0_0008);
        assertThat(sizing(0x24)).isZero();
        assertThat(sizing(0x30)).isEqualTo(0xffff_f001);
    }

    @Test
    void registersAnswerWhereTheGuestPutThemWhileTheCommandRegisterLetsThem() {
        write(0x10, 4, 0xc000);
        write(0x18, 4, 0xe000_0000);
        write(0x1c, 4, 0x8);
        assertThat(ports.read(0xc004, 1)).isEqualTo(0xff);
        write(PciFunction.COMMAND, 2, PciFunction.COMMAND_IO);
        assertThat(ports.read(0xc004, 1)).isEqualTo(0x14);
        assertThat(mmio.read(0x8_e000_0010L, 1)).isEqualTo(0xff);
        write(PciFunction.COMMAND, 2, PciFunction.COMMAND_IO | PciFunction.COMMAND_MEMORY);
        assertThat(mmio.read(0x8_e000_0010L, 1)).isEqualTo(0x20);
        write(0x1c, 4, 0);
        assertThat(mmio.read(0x8_e000_0010L, 1)).isEqualTo(0xff);
        assertThat(mmio.read(0xe000_0010L, 1)).isEqualTo(0x20);
        device.reset();
        assertThat(mmio.read(0xe000_0010L, 1)).isEqualTo(0xff);
        assertThat(ports.read(0xc004, 1)).isEqualTo(0xff);
    }

    @Test
    void memoryBehindABarIsMappedMovedAndKeptOutOfOtherMemory() {
        write(PciFunction.COMMAND, 2, PciFunction.COMMAND_MEMORY);
        write(0x20, 4, 0xd000_0000);
        memory.write32(0xd000_0100L, 0x1234_5678);
        write(0x20, 4, 0xd010_0000);
        assertThat(memory.read32(0xd000_0100L)).isEqualTo(-1);
        assertThat(memory.read32(0xd010_0100L)).isEqualTo(0x1234_5678);
        memory.add(0xd020_0000L, HostMemory.system().map(1 << 20), false);
        write(0x20, 4, 0xd020_0000);
        assertThat(memory.read32(0xd020_0100L)).isZero();
        write(0x20, 4, 0xd000_0000);
        assertThat(memory.read32(0xd000_0100L)).isEqualTo(0x1234_5678);
    }

    @Test
    void theOptionRomIsReadWhereItIsEnabled() {
        write(PciFunction.COMMAND, 2, PciFunction.COMMAND_MEMORY);
        write(0x30, 4, 0xfeb0_0000);
        assertThat(mmio.read(0xfeb0_0000L, 2)).isEqualTo(0xffff);
        write(0x30, 4, 0xfeb0_0001);
        assertThat(mmio.read(0xfeb0_0000L, 2)).isEqualTo(0xaa55);
    }

    @Test
    void capabilitiesAreAListInTheOrderInWhichTheyWereAdded() {
        assertThat(device.readConfig(PciFunction.STATUS, 2)).isEqualTo(0x10);
        int first = device.readConfig(PciFunction.CAPABILITIES, 1);
        assertThat(device.readConfig(first, 1)).isEqualTo(0x05);
        int second = device.readConfig(first + 1, 1);
        assertThat(device.readConfig(second, 2)).isEqualTo(0x0011);
        assertThat(device.readConfig(second + 4, 4)).as("the table is in BAR 1").isEqualTo(1);
        assertThat(device.readConfig(second + 8, 4)).isEqualTo(0x41);
    }

    @Test
    void thePinIsDrivenUnlessDisabledAndSeenInTheStatusRegister() {
        device.setIntx(true);
        assertThat(pins[2].level).isTrue();
        assertThat(device.readConfig(PciFunction.COMMAND, 4)).isEqualTo(0x0018_0000);
        write(PciFunction.COMMAND, 2, PciFunction.COMMAND_INTX_DISABLE);
        assertThat(pins[2].level).isFalse();
        write(PciFunction.COMMAND, 2, 0);
        assertThat(pins[2].level).isTrue();
        pci.remove(3);
        assertThat(pins[2].level).isFalse();
    }

    @Test
    void msiSendsTheVectorsThatTheGuestAllowsAndKeepsMaskedOnesPending() {
        int at = device.readConfig(PciFunction.CAPABILITIES, 1);
        device.msi.signal(0);
        write(PciFunction.COMMAND, 2, MEMORY_AND_MASTER);
        write(at + 4, 4, 0xfee0_1000);
        write(at + 12, 2, 0x4050);
        write(at + 2, 2, 0x0011); // enabled, two of four vectors
        device.msi.signal(0);
        device.msi.signal(3);
        assertThat(messages).containsExactly("fee01000:4050", "fee01000:4051");

        messages.clear();
        write(at + 16, 4, 2);
        device.msi.signal(1);
        assertThat(messages).isEmpty();
        assertThat(device.readConfig(at + 20, 4)).isEqualTo(2);
        write(at + 16, 4, 0);
        assertThat(messages).containsExactly("fee01000:4051");
        assertThat(device.readConfig(at + 20, 4)).isZero();
    }

    @Test
    void msiXSendsFromItsTableAndKeepsMaskedVectorsPending() {
        int at = device.readConfig(device.readConfig(PciFunction.CAPABILITIES, 1) + 1, 1);
        write(PciFunction.COMMAND, 2, MEMORY_AND_MASTER);
        write(0x14, 4, 0xe100_0000);
        assertThat(mmio.read(0xe100_001cL, 4)).as("masked after reset").isEqualTo(1);
        mmio.write(0xe100_0010L, 8, 0xfee0_2000L);
        mmio.write(0xe100_0018L, 4, 0x61);
        write(at + 2, 2, 0x8000);
        device.msiX.signal(1);
        assertThat(messages).isEmpty();
        assertThat(mmio.read(0xe100_0040L, 8)).isEqualTo(2);
        mmio.write(0xe100_001cL, 4, 0);
        assertThat(messages).containsExactly("fee02000:61");
        assertThat(mmio.read(0xe100_0040L, 8)).isZero();

        write(at + 2, 2, 0xc000);
        device.msiX.signal(1);
        device.msiX.signal(99);
        assertThat(messages).hasSize(1);
        write(at + 2, 2, 0x8000);
        assertThat(messages).hasSize(2);

        write(PciFunction.COMMAND, 2, PciFunction.COMMAND_MEMORY);
        device.msiX.signal(1);
        assertThat(messages).as("no bus master, no message").hasSize(2);
    }

    private int sizing(int bar) {
        write(bar, 4, -1);
        return device.readConfig(bar, 4);
    }

    private void write(int offset, int size, int value) {
        device.writeConfig(offset, size, value);
    }

    /// Registers that read as their offset plus 0x10.
    private static final IoDevice OFFSETS = new IoDevice() {
        @Override
        public long read(long offset, int size) {
            return offset + 0x10;
        }

        @Override
        public void write(long offset, int size, long value) {}
    };

    private static final class Example extends PciFunction {
        private final Msi msi = msi(4);
        private final MsiX msiX = msiX(4, 1);

        Example(GuestMemory memory) {
            super(0x1af4, 0x1044, 0x00ff00, 1);
            interruptPin(2);
            registers(0, BarKind.IO, 0x100, OFFSETS);
            registers(2, BarKind.MEMORY_64, 0x4000, OFFSETS);
            window(4, BarKind.PREFETCHABLE_32, memory, HostMemory.system().map(1 << 20));
            byte[] image = new byte[3000];
            image[0] = 0x55;
            image[1] = (byte) 0xaa;
            rom(image);
        }
    }
}
