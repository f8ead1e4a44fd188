package io.kahvem.vmm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.config.Boot;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/// A distribution's kernel, against the same one unpacked by other tools. KAHVEM_GUESTS names a directory with vmlinuz and vmlinux.
@EnabledIfEnvironmentVariable(named = "KAHVEM_GUESTS", matches = ".+", disabledReason = "KAHVEM_GUESTS names no directory of guests")
class RealKernelTest {
    private final Path guests = Path.of(System.getenv().getOrDefault("KAHVEM_GUESTS", ""));

    @Test
    void vmlinuzUnpacksToTheBytesOfVmlinux() throws IOException {
        try (LinuxImage image = (LinuxImage) BootImage.open(new Boot.Kernel(guests.resolve("vmlinuz"), Optional.empty(), ""));
                InputStream unpacked = image.unpack()) {
            assertThat(unpacked.readAllBytes()).isEqualTo(Files.readAllBytes(guests.resolve("vmlinux")));
        }
    }

    @Test
    void vmlinuxHasAPvhEntry() {
        try (BootImage image = BootImage.open(new Boot.Kernel(guests.resolve("vmlinux"), Optional.empty(), ""))) {
            assertThat(image).isInstanceOf(PvhImage.class);
        }
    }

}
