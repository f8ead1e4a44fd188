package io.kahvem.daemon.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.daemon.domain.DomainDefinition;
import io.kahvem.daemon.domain.MachineTypes;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a description becomes on the machine's command line.
final class MachineCommandTest {
    private static List<String> arguments(String os, String... disks) {
        String document = "<domain type='qemu'><name>a</name><memory>65536</memory><os%s</os><devices>%s</devices></domain>"
                .formatted(os, String.join("", disks));
        MachineTypes types = new MachineTypes(Path.of("/usr/bin/kahvem"), () -> false, 4, Path.of("/nvram"));
        return MachineCommand.arguments(DomainDefinition.parse(document, false, types), Path.of("/run/a.qmp"));
    }

    @Test
    void aMachineWithAKernelHasNoFirmware() {
        assertThat(arguments("><type>hvm</type><kernel>/k</kernel><cmdline>quiet</cmdline>"))
                .contains("--kernel=/k", "--append=quiet").noneMatch(argument -> argument.startsWith("--firmware"));
    }

    @Test
    void aMachineWithoutAKernelStartsWithFirmware() {
        assertThat(arguments("><type>hvm</type>")).contains("--firmware=seabios");
        assertThat(arguments("><type>hvm</type>")).noneMatch(argument -> argument.startsWith("--firmware-vars"));
        assertThat(arguments(" firmware='efi'><type>hvm</type>")).contains("--firmware=ovmf", "--firmware-vars=/nvram/a_VARS.fd");
        assertThat(arguments(" firmware='efi'><type>hvm</type><nvram>/mine</nvram>")).contains("--firmware-vars=/mine");
        assertThat(arguments("><type>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>"))
                .contains("--firmware=ovmf");
        assertThat(arguments("><type>hvm</type><loader>/firmware/bios.bin</loader>")).contains("--firmware=/firmware/bios.bin");
    }

    private static String disk(String attributes, String dev, String more) {
        return "<disk type='file' %s><source file='/%s'/><target dev='%s'/>%s</disk>".formatted(attributes, dev, dev, more);
    }

    private static List<String> disks(String os, String... disks) {
        return arguments(os, disks).stream().filter(each -> each.startsWith("--disk=") || each.startsWith("--cdrom="))
                .map(each -> each.replaceFirst(",format=raw,bus=[a-z]+", "")).toList();
    }

    @Test
    void disksAreBootedFromInTheirOwnOrderOrInThatOfTheirKinds() {
        String a = disk("", "vda", "");
        String b = disk("", "vdb", "");
        String cd = disk("device='cdrom'", "sda", "");
        assertThat(disks("><type>hvm</type>", a, b, cd)).containsExactly("--disk=/vda,bootindex=1", "--disk=/vdb", "--cdrom=/sda");
        assertThat(disks("><type>hvm</type><boot dev='cdrom'/><boot dev='hd'/>", a, b, cd))
                .containsExactly("--disk=/vda,bootindex=2", "--disk=/vdb", "--cdrom=/sda,bootindex=1");
        assertThat(disks("><type>hvm</type>", disk("", "vda", "<boot order='7'/>"), disk("", "vdb", "<boot order='2'/>"), cd))
                .containsExactly("--disk=/vda,bootindex=2", "--disk=/vdb,bootindex=1", "--cdrom=/sda");
    }

    @Test
    void theControlSocketIsAnArgumentOfItsOwn() {
        assertThat(arguments("><type>hvm</type>")).contains(MachineCommand.control(Path.of("/run/a.qmp")));
    }
}
