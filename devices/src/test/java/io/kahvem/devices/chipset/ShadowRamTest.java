package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.host.HostMemory;
import io.kahvem.host.Mapping;
import io.kahvem.host.Words;
import io.kahvem.memory.GuestMemory;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ShadowRamTest {
    @Test
    void partsAreRomOrOpenUntilTheRegistersMakeThemRam() {
        try (Mapping ram = HostMemory.system().map(1 << 20);
                Mapping rom = HostMemory.system().map(256 << 10);
                GuestMemory memory = new GuestMemory()) {
            Words.fill(rom.address(), rom.sizeBytes(), (byte) 0x5a);
            ShadowRam shadow = new ShadowRam(memory, ram, Optional.of(rom));
            assertThat(memory.read8(0xc_0000)).isEqualTo(0xff);
            assertThat(memory.read8(0xe_0000)).isEqualTo(0x5a);
            assertThat(memory.read8(0xf_ffff)).isEqualTo(0x5a);
            memory.write8(0xf_0000, 1);
            assertThat(memory.read8(0xf_0000)).isEqualTo(0x5a);

            shadow.set(0, 0x30);
            shadow.set(1, 0x03);
            memory.write8(0xf_0000, 1);
            memory.write8(0xc_0000, 2);
            memory.write8(0xc_4000, 3);
            assertThat(memory.read8(0xf_0000)).isEqualTo(1);
            assertThat(memory.read8(0xc_0000)).isEqualTo(2);
            assertThat(memory.read8(0xc_4000)).isEqualTo(0xff);

            shadow.set(0, 0x10);
            memory.write8(0xf_0000, 9);
            assertThat(memory.read8(0xf_0000)).as("RAM to read alone").isEqualTo(1);
            shadow.reset();
            assertThat(memory.read8(0xf_0000)).isEqualTo(0x5a);
            shadow.set(0, 0x30);
            assertThat(memory.read8(0xf_0000)).as("RAM keeps what it had").isEqualTo(1);
        }
    }
}
