package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Which elements a domain's description has, in the order libvirt prints them (domaincommon.rng, virDomainDefFormat). An element that has
/// a row loses what does not stand there, as with libvirt; under validation that is an error. One that has none is kept as it is.
final class DomainSchema {
    /// By an element's path: which children it has, and where each stands.
    private static final Map<String, Map<String, Integer>> ROWS = new HashMap<>();
    private static final String DEVICE = "domain/devices/";

    static {
        row("domain", """
                name uuid genid title description metadata maxMemory memory currentMemory blkiotune memtune memoryBacking vcpu vcpus
                iothreads
                iothreadids defaultiothread cputune numatune resource sysinfo os features cpu clock on_poweroff on_reboot on_crash
                on_lockfailure pm perf throttlegroups devices seclabel keywrap launchSecurity qemu:commandline""");
        row("domain/cputune", """
                shares period quota global_period global_quota emulator_period emulator_quota iothread_period iothread_quota vcpupin
                emulatorpin iothreadpin vcpusched emulatorsched iothreadsched cachetune memorytune""");
        row("domain/os", "type firmware loader nvram kernel initrd cmdline dtb boot bootmenu smbios bios acpi");
        row("domain/features", """
                pae acpi apic hap viridian privnet kvm hyperv pvspinlock pmu vmport gic smm ioapic hpt htm nested-hv msrs capabilities
                ccf-assist vmcoreinfo xen cfpc sbbc ibs tcg async-teardown ras ps2 aia""");
        row("domain/clock", "timer");
        row("domain/pm", "suspend-to-mem suspend-to-disk");
        row("domain/devices", """
                emulator disk controller lease filesystem interface smartcard serial parallel console channel tpm input graphics sound audio
                video hostdev redirdev redirfilter hub watchdog memballoon rng nvram panic shmem memory iommu vsock crypto pstore""");
        device("disk", """
                driver auth source backingStore geometry blockio mirror target iotune readonly shareable transient serial wwn vendor product
                encryption boot""");
        device("controller", "driver model target master");
        device("interface", """
                mac source virtualport target guest model driver backend filterref bandwidth vlan link mtu coalesce boot ip route tune rom
                teaming
                port portForward""");
        for (String character : List.of("serial", "console", "parallel", "channel")) device(character, "source protocol target log");
        device("input", "driver source");
        device("graphics", "listen channel image jpeg zlib playback streaming clipboard mouse filetransfer gl audio");
        device("sound", "codec audio driver");
        device("video", "model driver");
        device("memballoon", "stats driver");
        device("rng", "rate backend driver");
        device("watchdog", "");
        device("hub", "");
        device("panic", "");
    }

    private DomainSchema() {}

    private static void row(String path, String children) {
        Map<String, Integer> places = new HashMap<>();
        for (String child : children.strip().split("\\s+")) {
            if (places.put(child, places.size()) != null) throw new AssertionError("%s has %s twice".formatted(path, child));
        }
        if (ROWS.put(path, places) != null) throw new AssertionError(path + " has two rows");
    }

    /// Every device has an alias, an access policy and an address.
    private static void device(String name, String children) {
        row(DEVICE + name, children + " alias acpi address");
    }

    /// Throws [LibvirtException] for the first element, from the top, that no row knows.
    static void validate(Element domain) {
        validate("domain", domain);
    }

    private static void validate(String path, Element element) {
        Map<String, Integer> known = ROWS.get(path);
        if (known == null) return;
        for (Element child : element.children()) {
            if (!known.containsKey(child.name())) {
                throw LibvirtException.of(ErrorCode.XML_INVALID_SCHEMA, ErrorDomain.XML,
                        "Extra element %s in %s".formatted(child.name(), path.replace('/', ' ')));
            }
            validate(path + "/" + child.name(), child);
        }
    }

    /// Puts every element in its order, without those that no row knows. Devices stay as they follow each other within their kind.
    static void arrange(Element domain) {
        arrange("domain", domain);
    }

    /// The same for one device.
    static void arrangeDevice(Element device) {
        arrange(DEVICE + device.name(), device);
    }

    static boolean isDevice(String name) {
        return ROWS.getOrDefault("domain/devices", Map.of()).containsKey(name);
    }

    private static void arrange(String path, Element element) {
        Map<String, Integer> known = ROWS.get(path);
        if (known == null) return;
        element.arrange(known);
        for (Element child : element.children()) arrange(path + "/" + child.name(), child);
    }
}
