package io.kahvem.devices.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.bus.IoBus;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What an operating system's hot-plug driver does with a slot (PCI Express Base 3.0, 6.7).
class PcieRootPortTest {
    private static final int SLOT_CONTROL = 0x18;
    private static final int SLOT_STATUS = 0x1a;
    private static final int LINK_STATUS = 0x12;
    private static final int LINK_ACTIVE = 1 << 13;
    /// Button, presence, command completed and the interrupt, power on, indicator on.
    private static final int ON = 0x0039 | 1 << 8;
    private static final int OFF = 0x0039 | 3 << 8 | 1 << 10;
    private static final int BUTTON = 1;
    private static final int PRESENCE_CHANGED = 1 << 3;
    private static final int COMPLETED = 1 << 4;
    private static final int PRESENT = 1 << 6;
    private static final int EVENTS = BUTTON | PRESENCE_CHANGED | COMPLETED;

    private final List<Integer> messages = new ArrayList<>();
    private final List<String> gone = new ArrayList<>();
    private final PciBus bus = new PciBus(new PciBus.Wiring(new IoBus("ports"), new IoBus("MMIO"),
            (address, data) -> messages.add(data), (slot, pin) -> InterruptLine.NONE));
    private final PcieRootPort port = new PcieRootPort(bus, 5, 1);
    private final PciFunction device = new PciFunction(0x1234, 0x5678, 0xff_00_00, 0) {};
    private int express;

    @BeforeEach
    void driver() {
        bus.add(5, 0, port);
        port.writeConfig(PciBridge.PRIMARY_BUS, 4, 0x0001_0100);
        port.writeConfig(PciFunction.COMMAND, 2, PciFunction.COMMAND_BUS_MASTER);
        int at = port.readConfig(PciFunction.CAPABILITIES, 1);
        while (port.readConfig(at, 1) != Msi.ID) at = port.readConfig(at + 1, 1);
        port.writeConfig(at + 4, 4, 0xfee0_0000);
        port.writeConfig(at + 12, 2, 0x41);
        port.writeConfig(at + 2, 2, 1);
        at = port.readConfig(PciFunction.CAPABILITIES, 1);
        while (port.readConfig(at, 1) != 0x10) at = port.readConfig(at + 1, 1);
        express = at;
        control(OFF);
        clear();
    }

    private void control(int value) {
        port.writeConfig(express + SLOT_CONTROL, 2, value);
    }

    private int status() {
        return port.readConfig(express + SLOT_STATUS, 2);
    }

    private void clear() {
        port.writeConfig(express + SLOT_STATUS, 2, 0x1ff);
        messages.clear();
    }

    private int found() {
        PciFunction function = bus.find(0, 1, 0);
        return function == null ? -1 : function.readConfig(PciFunction.VENDOR_ID, 2);
    }

    private void plug() {
        port.plug(device, () -> gone.add("gone"));
    }

    @Test
    void itIsARootPortWithASlot() {
        assertThat(port.readConfig(express + 2, 2)).isEqualTo(0x0142);
        assertThat(port.readConfig(express + 0x14, 4)).as("slot 1").isEqualTo(1 << 19 | 0x5b);
        assertThat(status() & PRESENT).isZero();
        assertThat(found()).isEqualTo(-1);
    }

    @Test
    void aPluggedDeviceIsToldAndThereOnceItHasPower() {
        plug();
        assertThat(status() & (EVENTS | PRESENT)).isEqualTo(BUTTON | PRESENCE_CHANGED | PRESENT);
        assertThat(messages).containsExactly(0x41);
        assertThat(found()).as("without power").isEqualTo(-1);
        clear();
        control(ON);
        assertThat(status() & EVENTS).isEqualTo(COMPLETED);
        assertThat(messages).containsExactly(0x41);
        assertThat(port.readConfig(express + LINK_STATUS, 2) & LINK_ACTIVE).isNotZero();
        assertThat(found()).isEqualTo(0x1234);
        assertThatThrownBy(this::plug).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void itGoesWhenItWasAskedForAndThePowerIsOff() {
        plug();
        control(ON);
        clear();
        control(ON | 1 << 10);
        assertThat(found()).as("power off alone hides it").isEqualTo(-1);
        control(ON);
        assertThat(found()).isEqualTo(0x1234);
        clear();
        assertThat(port.unplug()).isTrue();
        assertThat(port.unplug()).as("once").isFalse();
        assertThat(status() & EVENTS).isEqualTo(BUTTON);
        assertThat(gone).isEmpty();
        control(ON | 1 << 10);
        assertThat(gone).as("with the light on").isEmpty();
        control(OFF);
        assertThat(gone).containsExactly("gone");
        assertThat(status() & (PRESENT | PRESENCE_CHANGED)).isEqualTo(PRESENCE_CHANGED);
        assertThat(found()).isEqualTo(-1);
        assertThat(port.isOccupied()).isFalse();
    }

    @Test
    void aResetTakesWhatWasAskedForAndGivesPowerToWhatStays() {
        plug();
        bus.reset();
        port.writeConfig(PciBridge.PRIMARY_BUS, 4, 0x0001_0100);
        assertThat(found()).isEqualTo(0x1234);
        assertThat(status() & (EVENTS | PRESENT)).isEqualTo(PRESENT);
        assertThat(port.unplug()).isTrue();
        bus.reset();
        assertThat(gone).containsExactly("gone");
        assertThat(status() & PRESENT).isZero();
    }

    @Test
    void oneInterruptTellsOfSeveralEvents() {
        plug();
        port.unplug();
        assertThat(messages).containsExactly(0x41);
        clear();
        assertThat(status() & EVENTS).isZero();
    }
}
