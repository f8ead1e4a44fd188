package io.kahvem.devices.pci;

import org.jspecify.annotations.Nullable;

/// A PCI Express root port with a slot behind it, into which devices are plugged while the guest runs: native hot-plug (PCI Express Base
/// 3.0, 6.7 and 7.8) with attention button, power controller and indicators.
///
/// A plugged device is on the bus while its slot has power. To unplug is to press the attention button: the guest gives the device up, and
/// takes the power and its indicator's light away; then it is gone. A guest without a driver for that keeps it, until a reset.
///
/// Lock: the function's monitor, as in [PciFunction].
public final class PcieRootPort extends PciBridge {
    /// QEMU's pcie-root-port, which operating systems have drivers for by its class.
    private static final int VENDOR = 0x1b36;
    private static final int DEVICE = 0x000c;

    private static final int CAP_EXPRESS = 0x10;
    private static final int CAP_BYTES = 0x3c;

    // Offsets in the capability (7.8)
    private static final int PCI_EXPRESS_CAPABILITIES = 0x02;
    private static final int DEVICE_CAPABILITIES = 0x04;
    private static final int DEVICE_CONTROL = 0x08;
    private static final int DEVICE_STATUS = 0x0a;
    private static final int LINK_CAPABILITIES = 0x0c;
    private static final int LINK_CONTROL = 0x10;
    private static final int LINK_STATUS = 0x12;
    private static final int SLOT_CAPABILITIES = 0x14;
    private static final int SLOT_CONTROL = 0x18;
    private static final int SLOT_STATUS = 0x1a;
    private static final int ROOT_CONTROL = 0x1c;
    private static final int LINK_CAPABILITIES_2 = 0x2c;
    private static final int LINK_CONTROL_2 = 0x30;

    private static final int VERSION_2 = 2;
    private static final int TYPE_ROOT_PORT = 4 << 4;
    private static final int SLOT_IMPLEMENTED = 1 << 8;
    private static final int ROLE_BASED_ERRORS = 1 << 15;
    private static final int SPEED_2_5_GT = 1;
    private static final int WIDTH_X1 = 1 << 4;
    private static final int LINK_ACTIVE_REPORTING = 1 << 20;
    private static final int LINK_ACTIVE = 1 << 13;
    private static final int SPEEDS_2_5_GT = 1 << 1;

    // 7.8.9: attention button, power controller, attention and power indicators, hot-plug
    private static final int SLOT_HAS = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 6;
    private static final int PHYSICAL_SLOT_NUMBER_SHIFT = 19;

    // 7.8.10
    private static final int ENABLE_EVENTS = 0x1f;
    private static final int HOT_PLUG_INTERRUPT = 1 << 5;
    private static final int ATTENTION_INDICATOR_OFF = 3 << 6;
    private static final int POWER_INDICATOR = 3 << 8;
    private static final int POWER_INDICATOR_ON = 1 << 8;
    private static final int POWER_INDICATOR_OFF = 3 << 8;
    private static final int POWER_OFF = 1 << 10;
    private static final int CONTROL_WRITABLE = 0x17ff;

    // 7.8.11
    private static final int ATTENTION_BUTTON_PRESSED = 1;
    private static final int PRESENCE_DETECT_CHANGED = 1 << 3;
    private static final int COMMAND_COMPLETED = 1 << 4;
    private static final int PRESENCE_DETECT_STATE = 1 << 6;
    private static final int LINK_STATE_CHANGED = 1 << 8;
    private static final int EVENTS = ENABLE_EVENTS | LINK_STATE_CHANGED;
    private static final int LINK_STATE_ENABLE = 1 << 12;

    /// What is in the slot, and who hears that it is gone.
    private record Plugged(PciFunction device, Runnable gone) {}

    private final int cap;
    private final Msi msi;
    private @Nullable Plugged plugged;
    private boolean onBus;
    private boolean unplugging;
    private int controlBefore;
    private boolean signalled;

    /// @param slot where it will be plugged in
    /// @param physicalSlot the slot's number for people, from 1
    public PcieRootPort(PciBus primary, int slot, int physicalSlot) {
        super(VENDOR, DEVICE, 0, primary, slot, 0);
        interruptPin(1);
        msi = msi(1);
        cap = capability(CAP_EXPRESS, CAP_BYTES);
        initialize(cap + PCI_EXPRESS_CAPABILITIES, 2, VERSION_2 | TYPE_ROOT_PORT | SLOT_IMPLEMENTED);
        initialize(cap + DEVICE_CAPABILITIES, 4, ROLE_BASED_ERRORS);
        writable(cap + DEVICE_CONTROL, 2, 0xf);
        clearable(cap + DEVICE_STATUS, 2, 0xf);
        initialize(cap + LINK_CAPABILITIES, 4, SPEED_2_5_GT | WIDTH_X1 | LINK_ACTIVE_REPORTING | physicalSlot << 24);
        writable(cap + LINK_CONTROL, 2, 0x3);
        initialize(cap + LINK_STATUS, 2, SPEED_2_5_GT | WIDTH_X1);
        initialize(cap + SLOT_CAPABILITIES, 4, SLOT_HAS | physicalSlot << PHYSICAL_SLOT_NUMBER_SHIFT);
        initialize(cap + SLOT_CONTROL, 2, ATTENTION_INDICATOR_OFF | POWER_INDICATOR_OFF | POWER_OFF);
        writable(cap + SLOT_CONTROL, 2, CONTROL_WRITABLE);
        clearable(cap + SLOT_STATUS, 2, EVENTS);
        writable(cap + ROOT_CONTROL, 2, 0x1f);
        initialize(cap + LINK_CAPABILITIES_2, 4, SPEEDS_2_5_GT);
        initialize(cap + LINK_CONTROL_2, 2, SPEED_2_5_GT);
        controlBefore = config(cap + SLOT_CONTROL, 2);
    }

    /// Whether there is something in its slot.
    public synchronized boolean isOccupied() {
        return plugged != null;
    }

    /// Puts a device into the slot and tells the guest.
    ///
    /// @param gone hears, on the thread that does it, that the device is on no bus any more; it does not wait
    /// @throws IllegalStateException if there is one in it
    public synchronized void plug(PciFunction device, Runnable gone) {
        if (plugged != null) throw new IllegalStateException("the slot is occupied");
        plugged = new Plugged(device, gone);
        setStatus(status() | PRESENCE_DETECT_STATE);
        follow(config(cap + SLOT_CONTROL, 2));
        happened(PRESENCE_DETECT_CHANGED | ATTENTION_BUTTON_PRESSED);
    }

    /// Asks the guest to give the device up. False if it has been asked already, or there is none.
    public synchronized boolean unplug() {
        if (plugged == null || unplugging) return false;
        unplugging = true;
        happened(ATTENTION_BUTTON_PRESSED);
        return true;
    }

    /// What is to be gone is gone then, and what is there has power.
    @Override
    public synchronized void reset() {
        if (unplugging) takeOut();
        super.reset();
        signalled = false;
        if (plugged != null) {
            setStatus(PRESENCE_DETECT_STATE);
            setConfig(cap + SLOT_CONTROL, 2, ATTENTION_INDICATOR_OFF | POWER_INDICATOR_ON);
        }
        controlBefore = config(cap + SLOT_CONTROL, 2);
        follow(controlBefore);
        setStatus(status() & ~EVENTS);
    }

    @Override
    protected void configWritten(int offset, int size) {
        super.configWritten(offset, size);
        if (offset < cap + SLOT_CONTROL + 2 && offset + size > cap + SLOT_CONTROL) controlWritten();
        if (offset < cap + SLOT_STATUS + 2 && offset + size > cap + SLOT_CONTROL) interrupt();
    }

    private void controlWritten() {
        int before = controlBefore;
        int control = config(cap + SLOT_CONTROL, 2);
        controlBefore = control;
        if (unplugging && isOff(control) && !isOff(before)) takeOut();
        follow(control);
        happened(COMMAND_COMPLETED);
    }

    private static boolean isOff(int control) {
        return (control & POWER_OFF) != 0 && (control & POWER_INDICATOR) == POWER_INDICATOR_OFF;
    }

    private void takeOut() {
        Plugged out = plugged;
        if (out == null) return;
        if (onBus) secondary().remove(0);
        onBus = false;
        plugged = null;
        unplugging = false;
        setStatus(status() & ~PRESENCE_DETECT_STATE | PRESENCE_DETECT_CHANGED);
        out.gone.run();
    }

    /// The device is on the bus, and the link up, while the slot has power.
    private void follow(int control) {
        Plugged in = plugged;
        boolean powered = in != null && (control & POWER_OFF) == 0;
        if (powered && !onBus && in != null) {
            in.device.reset();
            secondary().add(0, 0, in.device);
        } else if (!powered && onBus) {
            secondary().remove(0);
        }
        if (powered != onBus) setStatus(status() | LINK_STATE_CHANGED);
        onBus = powered;
        int link = config(cap + LINK_STATUS, 2);
        setConfig(cap + LINK_STATUS, 2, powered ? link | LINK_ACTIVE : link & ~LINK_ACTIVE);
    }

    private int status() {
        return config(cap + SLOT_STATUS, 2);
    }

    private void setStatus(int value) {
        setConfig(cap + SLOT_STATUS, 2, value);
    }

    private void happened(int events) {
        setStatus(status() | events);
        interrupt();
    }

    /// 6.7.3.4: a message each time that the first enabled event is there, or a level.
    private void interrupt() {
        int control = config(cap + SLOT_CONTROL, 2);
        int enabled = control & ENABLE_EVENTS | ((control & LINK_STATE_ENABLE) != 0 ? LINK_STATE_CHANGED : 0);
        boolean now = (control & HOT_PLUG_INTERRUPT) != 0 && (status() & enabled) != 0;
        if (msi.enabled()) {
            if (now && !signalled) msi.signal(0);
        } else {
            setIntx(now);
        }
        signalled = now;
    }
}
