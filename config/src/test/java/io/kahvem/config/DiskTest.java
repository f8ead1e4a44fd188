package io.kahvem.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiskTest {
    @Test
    void aFileAloneIsAWritableVirtioDiskOfAnyFormat() {
        Disk disk = Disk.parse("a.img");
        assertThat(disk).isEqualTo(new Disk(Disk.Kind.DISK, Optional.of(Path.of("a.img")), Optional.empty(), Disk.Bus.VIRTIO, false, false,
                "writeback", Optional.empty(), Optional.empty()));
    }

    @Test
    void everythingCanBeSaidAndCommasDoubled() {
        Disk disk = Disk.parse("a,,b.img,format=qcow2,bus=nvme,readonly,cache=none,serial=X1,bootindex=2");
        assertThat(disk.file()).contains(Path.of("a,b.img"));
        assertThat(disk.format()).contains("qcow2");
        assertThat(disk.bus()).isEqualTo(Disk.Bus.NVME);
        assertThat(disk.readOnly()).isTrue();
        assertThat(disk.cache()).isEqualTo("none");
        assertThat(disk.serial()).contains("X1");
        assertThat(disk.bootIndex()).contains(2);
        assertThat(Disk.parse("a,snapshot,readonly=off").snapshot()).isTrue();
    }

    @Test
    void aCdromIsReadOnlyAndOnSata() {
        Disk drive = Disk.parseCdrom("a.iso");
        assertThat(drive.kind()).isEqualTo(Disk.Kind.CDROM);
        assertThat(drive.bus()).isEqualTo(Disk.Bus.SATA);
        assertThat(drive.readOnly()).isTrue();
        assertThat(Disk.parseCdrom(",bus=scsi").file()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "''; names no file",
        ",bus=sata; names no file",
        "a,bus=ide; give virtio, sata, nvme or scsi",
        "a,bus=sata,bus=nvme; twice",
        "a,ro; is no option",
        "a,readonly=maybe; readonly=off",
        "a,cache=some; give writeback",
        "a,serial=123456789012345678901; at most 20|1 to 20",
        "a,readonly,snapshot; give one of them",
        "a,bootindex=first; give a number"
    })
    void whatCannotBeIsRefused(String text, String why) {
        assertThatThrownBy(() -> Disk.parse(text)).isInstanceOf(ConfigException.class).message().containsAnyOf(why.split("\\|"));
    }

    @Test
    void noCdromIsWrittenOrOnVirtio() {
        assertThatThrownBy(() -> Disk.parseCdrom("a,snapshot")).hasMessageContaining("nobody can");
        assertThatThrownBy(() -> Disk.parseCdrom("a,bus=virtio")).hasMessageContaining("give sata or scsi");
    }
}
