package io.kahvem.vmm;

import io.kahvem.host.Clock;
import io.kahvem.host.EventLoops;
import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.VmIo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// What machines of tests are made of.
public final class TestMachines {
    static final int COM1 = 0x3f8;
    static final int PM1A_STS = 0x600;
    static final int PM1A_CNT = 0x604;
    static final int RST_CNT = 0xcf9;
    static final int KERNEL_AT = 0x10_0000;
    static final int KERNEL_WORD = 0x6b6f_6f6c;

    private TestMachines() {}

    /// A Multiboot kernel of 36 bytes: the header with its load addresses, then one word.
    public static Path writeKernel(Path directory) throws IOException {
        ByteBuffer image = ByteBuffer.allocate(36).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(0x1bad_b002).putInt(1 << 16).putInt(-(0x1bad_b002 + (1 << 16)));
        image.putInt(KERNEL_AT).putInt(KERNEL_AT).putInt(0).putInt(0).putInt(KERNEL_AT + 32).putInt(KERNEL_WORD);
        return Files.write(directory.resolve("kernel"), image.array());
    }

    static MachineHost host(Hypervisor... engines) {
        return new MachineHost(HostMemory.system(), handler -> EventLoops.start(Clock.SYSTEM, "devices", handler), List.of(engines),
                () -> new byte[32]);
    }

    /// A host whose guests do nothing.
    public static MachineHost idleHost() {
        return host(new ScriptedHypervisor((cpu, io) -> cpu.halt()));
    }

    static void powerOff(VmIo io) {
        io.portWrite(PM1A_CNT, 2, 1 << 13);
    }
}
