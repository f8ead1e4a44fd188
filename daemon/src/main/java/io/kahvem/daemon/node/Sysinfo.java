package io.kahvem.daemon.node;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;

/// The host's SMBIOS, as far as the kernel shows it.
public final class Sysinfo {
    private static final String DMI = "sys/class/dmi/id/";

    private Sysinfo() {}

    /// The document of `virsh sysinfo`. Throws where the host shows none.
    public static String document(HostNode node) {
        Element root = new Element("sysinfo").with("type", "smbios");
        block(node, root, "bios", "vendor", "bios_vendor", "version", "bios_version", "date", "bios_date", "release", "bios_release");
        block(node, root, "system", "manufacturer", "sys_vendor", "product", "product_name", "version", "product_version",
                "serial", "product_serial", "uuid", "product_uuid", "sku", "product_sku", "family", "product_family");
        block(node, root, "baseBoard", "manufacturer", "board_vendor", "product", "board_name", "version", "board_version",
                "serial", "board_serial", "asset", "board_asset_tag");
        block(node, root, "chassis", "manufacturer", "chassis_vendor", "version", "chassis_version", "serial", "chassis_serial",
                "asset", "chassis_asset_tag");
        if (root.content().isEmpty()) {
            throw LibvirtException.of(ErrorCode.CONFIG_UNSUPPORTED, ErrorDomain.QEMU, "Host SMBIOS information is not available");
        }
        return root.toString();
    }

    private static void block(HostNode node, Element root, String name, String... entries) {
        Element block = new Element(name);
        for (int n = 0; n < entries.length; n += 2) {
            String entry = entries[n];
            node.files().text(DMI + entries[n + 1]).filter(text -> !text.isEmpty())
                    .ifPresent(text -> block.add(new Element("entry", text).with("name", entry)));
        }
        if (!block.content().isEmpty()) root.add(block);
    }
}
