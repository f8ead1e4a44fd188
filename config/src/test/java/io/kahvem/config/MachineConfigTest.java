package io.kahvem.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MachineConfigTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            jvm,translate=on                     | says translate=on; give translate=off, early or normal
            jvm,translate=                       | give translate=off, early or normal
            jvm,translate                        | "translate", which is no option
            jvm,                                 | "", which is no option
            jvm,translate=off,translate=normal   | twice
            kvm,translate=off                    | give jvm,translate=
            auto,translate=off                   | give jvm,translate=
            kvm,kernel-irqchip=on                | give kernel-irqchip=split or off
            kvm,kernel-irqchip=off,kernel-irqchip=off | twice
            jvm,kernel-irqchip=off               | give kvm,kernel-irqchip=
            auto,kernel-irqchip=split            | give kvm,kernel-irqchip=
            kvm,dirty-ring-size=1000             | a power of two from 1024 to 65536
            kvm,dirty-ring-size=131072           | a power of two from 1024 to 65536
            kvm,dirty-ring-size=                 | a power of two from 1024 to 65536
            jvm,dirty-ring-size=1024             | give kvm,dirty-ring-size=
            """)
    void anEngineWithAnOptionItDoesNotHaveIsRefused(String text, String remedy) {
        assertThatThrownBy(() -> AccelOption.parse(text)).isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("accel: \"").hasMessageContaining(remedy);
    }

    @Test
    void aMachineNeedsNoMoreThanAKernel() {
        MachineConfig config = MachineConfig.builder().kernel(Path.of("vmlinuz")).build();
        assertThat(config.memoryBytes()).isEqualTo(512L << 20);
        assertThat(config.cpus()).isEqualTo(1);
        assertThat(config.accel()).isEqualTo(Accel.AUTO);
        assertThat(config.noReboot()).isFalse();
        assertThat(config.timeout()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            a,bus=nvme                  | bus=nvme is on PCI
            a,bus=sata                  | give bus=virtio or bus=scsi
            """)
    void aMicrovmHasNoPci(String disk, String remedy) {
        MachineConfig.Builder builder = MachineConfig.builder().type(MachineType.MICROVM).kernel(Path.of("vmlinuz"));
        assertThatThrownBy(() -> builder.disk(Disk.parse(disk)).build()).isInstanceOf(ConfigException.class).hasMessageContaining(remedy);
        assertThatThrownBy(() -> MachineConfig.builder().type(MachineType.MICROVM)
                .firmware(new Boot.Firmware("seabios", Optional.empty())).build())
                .isInstanceOf(ConfigException.class).hasMessageContaining("give --kernel, or --machine q35");
    }

    @Test
    void aMicrovmHasRoomForEightDevices() {
        MachineConfig.Builder builder = MachineConfig.builder().type(MachineType.MICROVM).kernel(Path.of("vmlinuz"));
        for (int n = 0; n < 8; n++) builder.disk(Disk.parse("a"));
        assertThat(builder.build().disks()).hasSize(8);
        assertThatThrownBy(() -> builder.disk(Disk.parse("a,bus=scsi")).build()).hasMessageContaining("8 virtio devices, and these are 9");
        assertThatThrownBy(() -> MachineType.parse("pc")).hasMessageContaining("give q35 or microvm");
    }

    @Test
    void aMachineWithoutAKernelIsRefused() {
        assertThatThrownBy(() -> MachineConfig.builder().build()).isInstanceOf(ConfigException.class).hasMessageContaining("kernel");
    }

    @ParameterizedTest
    @CsvSource({"512M, 536870912", "512, 536870912", "2G, 2147483648", "2g, 2147483648", "1.5G, 1610612736", "4096K, 4194304",
            "1T, 1099511627776", "4194304B, 4194304"})
    void sizesReadAsInQemu(String text, long bytes) {
        assertThat(Sizes.parse("memory", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "M", "12Q", "-1", "1e3", "0x10", "12MB", "99999999999999T", "0.3B"})
    void whatIsNoSizeIsToldWithTheOptionAndTheText(String text) {
        assertThatThrownBy(() -> Sizes.parse("memory", text)).isInstanceOf(ConfigException.class)
                .hasMessageContaining("memory: \"" + text + "\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1M", "0", "2T", "4194305B"})
    void memoryOutsideOfReasonIsRefused(String text) {
        assertThatThrownBy(() -> MachineConfig.builder().kernel(Path.of("k")).memory(text).build())
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("memory: ");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 256})
    void cpusOutsideOfReasonAreRefused(int cpus) {
        assertThatThrownBy(() -> MachineConfig.builder().kernel(Path.of("k")).cpus(cpus).build())
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("1 to 255");
    }

    @Test
    void spansOfTimeHaveUnits() {
        assertThat(Durations.parse("timeout", "60s")).isEqualTo(Duration.ofSeconds(60));
        assertThat(Durations.parse("timeout", "60")).isEqualTo(Duration.ofSeconds(60));
        assertThat(Durations.parse("timeout", "500ms")).isEqualTo(Duration.ofMillis(500));
        assertThat(Durations.parse("timeout", "2m")).isEqualTo(Duration.ofMinutes(2));
        assertThatThrownBy(() -> Durations.parse("timeout", "soon")).isInstanceOf(ConfigException.class).hasMessageContaining("60s");
        assertThatThrownBy(() -> MachineConfig.builder().kernel(Path.of("k")).timeout(Duration.ZERO).build())
                .isInstanceOf(ConfigException.class);
    }

    @Test
    void enginesAndSerialLinesGoByTheNamesOfTheFlags() {
        assertThat(Accel.parse("jvm")).isEqualTo(Accel.JVM);
        assertThatThrownBy(() -> Accel.parse("tcg")).isInstanceOf(ConfigException.class).hasMessageContaining("auto, kvm or jvm");
        assertThat(AccelOption.parse("kvm")).isEqualTo(new AccelOption(Accel.KVM));
        assertThat(AccelOption.parse("jvm,translate=off"))
                .isEqualTo(new AccelOption(Accel.JVM, Optional.of(Translation.OFF), Optional.empty(), OptionalInt.empty()));
        assertThat(AccelOption.parse("kvm,kernel-irqchip=off"))
                .isEqualTo(new AccelOption(Accel.KVM, Optional.empty(), Optional.of(KernelIrqchip.OFF), OptionalInt.empty()));
        assertThat(AccelOption.parse("kvm,dirty-ring-size=4096,kernel-irqchip=split"))
                .isEqualTo(new AccelOption(Accel.KVM, Optional.empty(), Optional.of(KernelIrqchip.SPLIT), OptionalInt.of(4096)));
        MachineConfig config = MachineConfig.builder().kernel(Path.of("k")).accel(AccelOption.parse("jvm,translate=early")).build();
        assertThat(config.accel()).isEqualTo(Accel.JVM);
        assertThat(config.accelOption().translation()).contains(Translation.EARLY);
        assertThat(Serial.parse("stdio")).isEqualTo(new Serial.Stdio());
        assertThat(Serial.parse("none")).isEqualTo(new Serial.None());
        assertThat(Serial.parse("file:out.log")).isEqualTo(new Serial.ToFile(Path.of("out.log")));
        assertThatThrownBy(() -> Serial.parse("file:")).isInstanceOf(ConfigException.class);
        assertThatThrownBy(() -> Serial.parse("unix:/x")).isInstanceOf(ConfigException.class).hasMessageContaining("file:PATH");
    }

    @Test
    void aNulInACommandLineIsRefused() {
        assertThatThrownBy(() -> MachineConfig.builder().kernel(Path.of("k")).append("a\0b").build()).isInstanceOf(ConfigException.class);
    }
}
