package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.ArrayList;
import java.util.List;

/// A machine's network interfaces, named by what the host calls them or by their own address.
public final class DomainInterfaces {
    private static final List<String> INBOUND = List.of("average", "peak", "burst", "floor");
    private static final List<String> OUTBOUND = List.of("average", "peak", "burst");

    private DomainInterfaces() {}

    /// The limits that a description gives it, KiB and KiB/s, in virsh's order; 0 for none.
    public static List<TypedParameter> bandwidth(Domain domain, String device, int flags) {
        Element iface = find(definition(domain, flags), device);
        List<TypedParameter> limits = new ArrayList<>();
        for (String limit : INBOUND) limits.add(limit(iface, "inbound", limit));
        for (String limit : OUTBOUND) limits.add(limit(iface, "outbound", limit));
        return limits;
    }

    public static int bandwidthCount() {
        return INBOUND.size() + OUTBOUND.size();
    }

    private static TypedParameter limit(Element iface, String direction, String limit) {
        int value = iface.attributeAt("bandwidth/" + direction, limit).map(Integer::parseUnsignedInt).orElse(0);
        return TypedParameter.ofUInt(direction + "." + limit, value);
    }

    /// Throws: no interface of this build's is held back.
    public static void setBandwidth(Domain domain, String device, int flags) {
        Element iface = find(definition(domain, flags), device);
        throw Errors.unsupported("setting bandwidth on interfaces of type '%s' is not implemented yet", iface.attribute("type", ""));
    }

    private static DomainDefinition definition(Domain domain, int flags) {
        Affect affect = Affect.of(domain, flags & (Affect.LIVE | Affect.CONFIG));
        DomainDefinition config = domain.config();
        return affect.live() || config == null ? domain.definition() : config;
    }

    private static Element find(DomainDefinition definition, String device) {
        return definition.devices("interface").stream()
                .filter(each -> device.equals(each.attributeAt("target", "dev").orElse(""))
                        || device.equalsIgnoreCase(each.attributeAt("mac", "address").orElse("")))
                .findFirst().orElseThrow(() -> unknown(device));
    }

    private static LibvirtException unknown(String device) {
        return Errors.argument("'%s' is not a known interface", device);
    }
}
