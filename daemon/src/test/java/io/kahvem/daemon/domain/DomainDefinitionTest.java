package io.kahvem.daemon.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DomainDefinitionTest {
    private static final MachineTypes TYPES = new MachineTypes(Path.of("/usr/bin/kahvem"), () -> false, 16, Path.of("/nvram"));

    private static DomainDefinition parse(String document) {
        return DomainDefinition.parse(document, false, TYPES);
    }

    private static String domain(String devices) {
        return "<domain type='qemu'><name>a</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>"
                + "<os><type machine='q35'>hvm</type></os><devices>" + devices + "</devices></domain>";
    }

    @Test
    void whatIsLeftOutIsFilledIn() {
        String text = parse(domain("")).toString();
        assertThat(text).contains("<memory unit='KiB'>65536</memory>", "<currentMemory unit='KiB'>65536</currentMemory>",
                "<vcpu placement='static' current='1'>2</vcpu>", "machine='pc-q35-1.0'", "<boot dev='hd'/>", "<clock offset='utc'/>",
                "<on_reboot>restart</on_reboot>", "<emulator>/usr/bin/kahvem</emulator>",
                        "<controller type='pci' index='0' model='pcie-root'/>",
                "<memballoon model='virtio'>");
        assertThat(text).containsPattern("<uuid>[0-9a-f-]{36}</uuid>");
    }

    private static String refusal(String os, String cpu, String devices) {
        try {
            parse("<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type>%s</os>%s<devices>%s</devices></domain>"
                    .formatted(os, cpu, devices));
            return "";
        } catch (LibvirtException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String bootable(String dev, String boot) {
        return "<disk type='file'><source file='/%s'/><target dev='%s'/><boot%s/></disk>".formatted(dev, dev, boot);
    }

    /// The words of libvirtd 9.0.
    @Test
    void bootOrdersAreCheckedAsLibvirtChecksThem() {
        assertThat(refusal("", "", bootable("vda", " order='1'") + bootable("vdb", " order='2'"))).isEmpty();
        assertThat(refusal("", "", bootable("vda", " order='1'") + bootable("vdb", " order='1'")))
                .isEqualTo("unsupported configuration: boot order '1' used for more than one device");
        assertThat(refusal("<boot dev='hd'/>", "", bootable("vda", " order='1'")))
                .isEqualTo("unsupported configuration: per-device boot elements cannot be used together with os/boot elements");
        assertThat(refusal("", "", bootable("vda", " order='0'")))
                .isEqualTo("XML error: Invalid value for attribute 'order' in element 'boot': Zero is not permitted");
        assertThat(refusal("", "", bootable("vda", " order='y'"))).isEqualTo(
                "XML error: Invalid value for attribute 'order' in element 'boot': 'y'. Expected non-negative integer value");
        assertThat(refusal("", "", bootable("vda", ""))).isEqualTo("XML error: Missing required attribute 'order' in element 'boot'");
    }

    private static String cpu(String cpu) {
        String text = parse("<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os>%s</domain>".formatted(cpu))
                .toString();
        return text.substring(text.indexOf("<cpu"), text.indexOf("<clock")).replaceAll("\\s*\n\\s*", "");
    }

    /// What libvirtd 9.0 makes of them.
    @Test
    void processorsAreFilledInAsLibvirtFillsThemIn() {
        assertThat(cpu("<cpu mode='host-model'/>")).isEqualTo("<cpu mode='host-model' check='partial'/>");
        assertThat(cpu("<cpu mode='host-passthrough'/>")).isEqualTo("<cpu mode='host-passthrough' check='none' migratable='on'/>");
        assertThat(cpu("<cpu mode='maximum'/>")).isEqualTo("<cpu mode='maximum' check='none'/>");
        assertThat(cpu("<cpu check='full' mode='custom'><model>Nehalem</model></cpu>"))
                .isEqualTo("<cpu mode='custom' match='exact' check='full'><model fallback='allow'>Nehalem</model></cpu>");
        assertThat(cpu("<cpu><model fallback='forbid'>Nehalem</model><feature name='aes'/></cpu>")).isEqualTo("<cpu mode='custom' "
                + "match='exact' check='none'><model fallback='forbid'>Nehalem</model><feature policy='require' name='aes'/></cpu>");
        assertThat(refusal("", "<cpu mode='some'/>", "")).isEqualTo("unsupported configuration: Invalid mode attribute 'some'");
        assertThat(refusal("", "<cpu check='some'><model>Nehalem</model></cpu>", ""))
                .isEqualTo("XML error: Invalid value for attribute 'check' in element 'cpu': 'some'.");
        assertThat(refusal("", "<cpu><model>Nehalem</model><feature policy='some' name='aes'/></cpu>", ""))
                .isEqualTo("unsupported configuration: Invalid CPU feature policy");
        assertThat(refusal("", "<cpu><model>Nehalem</model><feature name='aes'/><feature name='aes'/></cpu>", ""))
                .isEqualTo("XML error: CPU feature 'aes' specified more than once");
    }

    @Test
    void fillingInTwiceChangesNothing() {
        String once = parse(domain("""
                <disk type='file'><source file='/a'/><target dev='vda'/></disk>
                <disk type='file' device='cdrom'><target dev='sda'/></disk>
                <interface type='user'/><console type='pty'/><graphics type='vnc'/>
                <controller type='usb' model='qemu-xhci' ports='15'/><rng model='virtio'><backend
                model='random'>/dev/urandom</backend></rng>
                """)).toString();
        assertThat(parse(once).toString()).isEqualTo(once);
    }

    @Test
    void everyVirtioDeviceHasARootPortOfItsOwn() {
        DomainDefinition definition = parse(domain("""
                <disk type='file'><source file='/a'/><target dev='vda'/></disk>
                <disk type='file'><source file='/b'/><target dev='vdb'/></disk>"""));
        assertThat(definition.devices("disk").stream().map(disk -> disk.attributeAt("address",
                "bus").orElseThrow())).containsExactly("0x01", "0x02");
        assertThat(definition.devices("controller").stream().filter(each -> each.hasAttribute("model", "pcie-root-port"))).hasSize(3);
    }

    @Test
    void addressesThatAreGivenStay() {
        DomainDefinition definition = parse(domain("""
                <controller type='pci' index='5' model='pcie-root-port'/>
                <disk type='file'><source file='/a'/><target dev='vda'/>
                <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></disk>"""));
        assertThat(definition.disk("vda").orElseThrow().attributeAt("address", "bus")).contains("0x05");
    }

    @Test
    void metadataIsKeptAsItIs() {
        String metadata = "<libosinfo:os xmlns:libosinfo='http://libosinfo.org/x' id='http://debian.org/debian/11'/>";
        assertThat(parse(domain("").replace("<os>", "<metadata>" + metadata + "</metadata><os>")).toString()).contains(metadata);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            type='qemu' | type='nonsense' | XML_ERROR | Invalid value for attribute 'type' in element 'domain': 'nonsense'
            type='qemu' | type='kvm' | INVALID_ARG | could not find capabilities for arch=x86_64 domaintype=kvm
            <name>a</name> | <name></name> | XML_ERROR | missing domain name information
            <name>a</name> | <name>a/b</name> | XML_ERROR | cannot contain '/'
            <memory unit='MiB'>64</memory> | <title>x</title> | XML_ERROR | missing element or attribute './memory[1]'
            machine='q35' | machine='nonsense' | CONFIG_UNSUPPORTED | does not support machine type 'nonsense'
            <vcpu current='1'>2 | <vcpu current='3'>2 | XML_ERROR | maxvcpus must not be less than current vcpus
            <vcpu current='1'>2 | <vcpu>99 | CONFIG_UNSUPPORTED | Maximum CPUs greater than specified machine type limit 16
            """)
    void whatCannotBeIsRefusedInLibvirtsWords(String what, String instead, ErrorCode code, String message) {
        assertThatThrownBy(() -> parse(domain("").replace(what, instead)))
                .isInstanceOfSatisfying(LibvirtException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            <graphics type='spice'/> | CONFIG_UNSUPPORTED | spice graphics are not supported with this QEMU
            <hostdev mode='subsystem' type='pci'/> | CONFIG_UNSUPPORTED | device 'hostdev' is not supported
            <disk type='network'><source/><target dev='vda'/></disk> | CONFIG_UNSUPPORTED | disk type 'network' is not supported
            <disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/></disk> | CONFIG_UNSUPPORTED | bus 'scsi' is not supported
            <disk type='file'><target dev='vda'/></disk> | XML_ERROR | missing source information for device vda
            """)
    void devicesTheMachineHasNotAreRefused(String device, ErrorCode code, String message) {
        assertThatThrownBy(() -> parse(domain(device)))
                .isInstanceOfSatisfying(LibvirtException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message);
    }

    @Test
    void aTargetThatIsThereTwiceIsRefused() {
        String disk = "<disk type='file'><source file='/a'/><target dev='vda'/></disk>";
        assertThatThrownBy(() -> parse(domain(disk + disk))).hasMessageContaining("target 'vda' duplicated");
    }

    @Test
    void unknownElementsAreDroppedAndUnderValidationRefused() {
        String document = domain("").replace("<devices>", "<nonsense/><devices>");
        assertThat(parse(document).toString()).doesNotContain("nonsense");
        assertThatThrownBy(() -> DomainDefinition.parse(document, true, TYPES)).hasMessageContaining("Extra element nonsense");
    }
}
