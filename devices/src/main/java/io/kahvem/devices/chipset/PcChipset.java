package io.kahvem.devices.chipset;

import io.kahvem.devices.ByteSink;
import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.MsiSink;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.bus.LatchPorts;
import io.kahvem.devices.firmware.DebugPort;
import io.kahvem.devices.firmware.FwCfg;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.pci.PciHost;
import io.kahvem.devices.serial.Uart16550;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.transport.VirtioMmio;
import io.kahvem.host.EventLoop;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A PC's fixed parts at their usual addresses, wired to each other: each ISA request goes to the 8259 pair and to the I/O APIC (request
/// 0 to its input 2, as the MADT says).
///
/// The machine gives `ports()` and `mmio()` what its CPUs access and passes on interrupt acknowledges and EOIs; everything else comes by
/// [Wiring]. Any thread. Lock order: a device, then the 8259 pair or the I/O APIC, then what the wiring's lines lead to.
public final class PcChipset implements Device {
    public static final int COM1_PORT = 0x3f8;
    public static final int ACPI_PM_PORT = 0x600;
    public static final int RESET_CONTROL_PORT = 0xcf9;
    public static final int DEBUG_EXIT_PORT = 0xf4;
    public static final int PVPANIC_PORT = 0x505;

    /// The LPC interface's slot on bus 0, and in its configuration space the registers that route PIRQA# to PIRQD#; eight bytes on, those
    /// of PIRQE# to PIRQH#.
    public static final int LPC_SLOT = LpcBridge.SLOT;
    public static final int PIRQ_REGISTERS = LpcBridge.PIRQA_ROUT;
    public static final int PIRQS = PirqRouter.PIRQS;

    public static final int IRQ_TIMER = 0;
    public static final int IRQ_KEYBOARD = 1;
    public static final int IRQ_COM1 = 4;
    public static final int IRQ_RTC = 8;
    public static final int IRQ_SCI = 9;
    public static final int IRQ_MOUSE = 12;
    /// The I/O APIC input of ISA request 0; every other request has the input of its number.
    public static final int TIMER_GSI = 2;

    /// Where virtio devices are without PCI, one behind the other, and the I/O APIC input of the first: the places QEMU's microvm has.
    public static final long VIRTIO_MMIO_BASE = 0xfeb0_0000L;
    public static final int VIRTIO_MMIO_GSI = 16;
    public static final int VIRTIO_MMIO_SLOTS = 8;

    /// What the chipset's outputs lead to.
    ///
    /// @param loop runs the timers; its clock is the machine's
    /// @param msi takes the I/O APIC's messages
    /// @param intr the 8259 pair's INTR
    /// @param serialOut what the guest writes to COM1
    /// @param shadow the RAM below 1 MiB
    /// @param firmware what firmware needs, where the machine starts with it; else the chipset starts as firmware leaves it
    /// @param debugExit whether isa-debug-exit is fitted
    /// @param pci whether guests reach PCI; without it there is room for [#VIRTIO_MMIO_SLOTS] virtio devices behind registers
    public record Wiring(
            EventLoop loop, MsiSink msi, InterruptLine intr, ByteSink serialOut, MachineEvents events, ShadowRam shadow,
            Optional<ForFirmware> firmware, boolean debugExit, boolean pci) {}

    /// What firmware needs.
    ///
    /// @param debugOut where its messages go
    public record ForFirmware(FwCfg fwCfg, ByteSink debugOut) {}

    private final IoBus ports = new IoBus("ports");
    private final IoBus mmio = new IoBus("MMIO");
    private final Pic8259 pic;
    private final IoApic ioApic;
    private final Pit8254 pit;
    private final Rtc rtc;
    private final Uart16550 com1;
    private final I8042 i8042;
    private final AcpiPm pm;
    private final PirqRouter pirqs;
    private final PciBus pci;
    private final HostBridge hostBridge;
    private final List<Device> devices;
    private final List<VirtioMmio> virtio = new ArrayList<>();

    public PcChipset(Wiring wiring) {
        EventLoop loop = wiring.loop();
        pic = new Pic8259(wiring.intr());
        ioApic = new IoApic(wiring.msi());
        pirqs = new PirqRouter(pic, ioApic);
        Hpet hpet = new Hpet(loop, pirqs::input, isaLine(IRQ_TIMER), isaLine(IRQ_RTC));
        pit = new Pit8254(loop, hpet.pitLine());
        rtc = new Rtc(loop, hpet.rtcLine());
        com1 = new Uart16550(isaLine(IRQ_COM1), wiring.serialOut());
        pm = new AcpiPm(loop, isaLine(IRQ_SCI), wiring.events()::powerOff);
        ResetControl resetControl = new ResetControl(wiring.events()::reset);
        i8042 = new I8042(isaLine(IRQ_KEYBOARD), isaLine(IRQ_MOUSE), wiring.events()::reset);
        pci = new PciBus(new PciBus.Wiring(ports, mmio, wiring.msi(), pirqs::line));
        PciHost pciHost = new PciHost(pci, resetControl.rstCnt());
        hostBridge = new HostBridge(mmio, pciHost.ecam(), wiring.shadow(), wiring.firmware().isEmpty());
        pci.add(0, 0, hostBridge);
        pci.add(LpcBridge.SLOT, 0, new LpcBridge(ports, pm, pirqs));
        pci.add(LpcBridge.SLOT, SmbusController.FUNCTION, new SmbusController());
        LatchPorts apm = new LatchPorts(2);
        LatchPorts dma1 = new LatchPorts(0x10);
        LatchPorts dmaPages = new LatchPorts(0x10);
        LatchPorts dma2 = new LatchPorts(0x20);

        ports.add("DMA 1", 0x00, 0x10, dma1);
        ports.add("8259 master", 0x20, 2, pic.masterPorts());
        ports.add("8254", 0x40, Pit8254.PORTS, pit);
        ports.add("8042 data", 0x60, 1, i8042.dataPort());
        ports.add("port B", 0x61, 1, pit.portB());
        ports.add("8042 command", 0x64, 1, i8042.commandPort());
        ports.add("RTC index", 0x70, 1, rtc.indexPort());
        ports.add("RTC data", 0x71, 1, rtc.dataPort());
        ports.add("POST code and DMA pages", 0x80, 0x10, dmaPages);
        ports.add("port 92", 0x92, 1, resetControl.port92());
        ports.add("8259 slave", 0xa0, 2, pic.slavePorts());
        ports.add("DMA 2", 0xc0, 0x20, dma2);
        if (wiring.debugExit()) ports.add("isa-debug-exit", DEBUG_EXIT_PORT, DebugExit.PORTS, new DebugExit(wiring.events()::debugExit));
        ports.add("COM1", COM1_PORT, Uart16550.REGISTERS, com1);
        ports.add("ELCR", 0x4d0, 2, pic.elcrPorts());
        ports.add("pvpanic", PVPANIC_PORT, PvPanic.PORTS, new PvPanic(wiring.events()));
        ports.add("APM", 0xb2, 2, apm);
        if (wiring.pci()) {
            ports.add("PCI CONFIG_ADDRESS", 0xcf8, PciHost.PORTS, pciHost.addressPorts());
            ports.add("PCI CONFIG_DATA", 0xcfc, PciHost.PORTS, pciHost.dataPorts());
        } else {
            ports.add("reset control", RESET_CONTROL_PORT, 1, resetControl.rstCnt());
        }
        mmio.add("HPET", Hpet.BASE, Hpet.WINDOW_BYTES, hpet);
        mmio.add("I/O APIC", IoApic.DEFAULT_BASE, IoApic.WINDOW_BYTES, ioApic);
        List<Device> all = new ArrayList<>(List.of(
                pic, ioApic, hpet, pit, rtc, com1, pm, i8042, resetControl, pirqs, pci, pciHost, dma1, dmaPages, apm, dma2));
        wiring.firmware().ifPresent(firmware -> {
            ports.add("fw_cfg", FwCfg.PORT, FwCfg.PORTS, firmware.fwCfg().ports());
            ports.add("fw_cfg DMA", FwCfg.DMA_PORT, FwCfg.DMA_PORTS, firmware.fwCfg().dmaPorts());
            ports.add("debug port", DebugPort.PORT, 1, new DebugPort(firmware.debugOut()));
            all.add(firmware.fwCfg());
        });
        devices = List.copyOf(all);
        reset();
    }

    /// The address space of IN and OUT.
    public IoBus ports() {
        return ports;
    }

    /// The physical addresses that are not memory.
    public IoBus mmio() {
        return mmio;
    }

    /// Bus 0, into which the machine plugs its devices.
    public PciBus pci() {
        return pci;
    }

    /// Gives a virtio device the next place of a board without PCI. There are [#VIRTIO_MMIO_SLOTS].
    public void addVirtio(VirtioDevice device, GuestMemory memory) {
        int slot = virtio.size();
        if (slot == VIRTIO_MMIO_SLOTS) throw new IllegalStateException("all places for virtio devices are taken");
        VirtioMmio transport = new VirtioMmio(device, memory, level -> ioApic.setInput(VIRTIO_MMIO_GSI + slot, level));
        mmio.add("virtio " + slot, VIRTIO_MMIO_BASE + (long) slot * VirtioMmio.WINDOW_BYTES, VirtioMmio.WINDOW_BYTES, transport);
        virtio.add(transport);
    }

    public HostBridge hostBridge() {
        return hostBridge;
    }

    public Rtc rtc() {
        return rtc;
    }

    /// The keyboard's controller, by which keys are pressed.
    public I8042 keyboard() {
        return i8042;
    }

    /// The first serial line; input is given to it with [Uart16550#receive].
    public Uart16550 com1() {
        return com1;
    }

    /// The interrupt-acknowledge cycle: the 8259 pair's vector.
    public int acknowledgeInterrupt() {
        return pic.acknowledge();
    }

    /// A local APIC ended a level-triggered interrupt of this vector.
    public void endOfInterrupt(int vector) {
        ioApic.endOfInterrupt(vector);
    }

    public void pressPowerButton() {
        pm.pressPowerButton();
    }

    /// The line of ISA request 0 to 15 for one device of the board; only PCI devices share requests.
    public InterruptLine isaLine(int irq) {
        int gsi = irq == IRQ_TIMER ? TIMER_GSI : irq;
        return level -> {
            pirqs.setIsa(irq, level);
            ioApic.setInput(gsi, level);
        };
    }

    /// The I/O APIC input that a pin of a slot of bus 0 is wired to.
    ///
    /// @param pin 1 (INTA#) to 4
    public static int gsiOf(int slot, int pin) {
        return PirqRouter.FIRST_GSI + PirqRouter.pirqOf(slot, pin);
    }

    /// PIRQA# (0) to PIRQH#, to which a pin of a slot of bus 0 is wired.
    ///
    /// @param pin 1 (INTA#) to 4
    public static int pirqOf(int slot, int pin) {
        return PirqRouter.pirqOf(slot, pin);
    }

    /// RESET#: the machine calls it while no vCPU runs. Time, CMOS memory and the host's side of the serial line stay.
    @Override
    public void reset() {
        for (Device device : devices) device.reset();
        for (VirtioMmio device : virtio) device.reset();
    }
}
