package io.kahvem.vmm;

import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.chipset.PcChipset;
import io.kahvem.hypervisor.VmIo;

/// The chipset as a vCPU's instructions reach it.
final class ChipsetIo implements VmIo {
    private final PcChipset chipset;
    private final IoBus ports;
    private final IoBus mmio;

    ChipsetIo(PcChipset chipset) {
        this.chipset = chipset;
        this.ports = chipset.ports();
        this.mmio = chipset.mmio();
    }

    @Override
    public long portRead(int port, int size) {
        return ports.read(port, size);
    }

    @Override
    public void portWrite(int port, int size, long value) {
        ports.write(port, size, value);
    }

    @Override
    public long mmioRead(long gpa, int size) {
        return mmio.read(gpa, size);
    }

    @Override
    public void mmioWrite(long gpa, int size, long value) {
        mmio.write(gpa, size, value);
    }

    @Override
    public int acknowledgeInterrupt() {
        return chipset.acknowledgeInterrupt();
    }

    @Override
    public void endOfInterrupt(int vector) {
        chipset.endOfInterrupt(vector);
    }
}
