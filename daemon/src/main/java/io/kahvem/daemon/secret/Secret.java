package io.kahvem.daemon.secret;

import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.SecretRef;
import java.util.UUID;

/// What a secret is for; its value is kept apart.
///
/// @param ephemeral never written to a disk
/// @param unreadable its value is told to nobody (`private`)
/// @param usageId what uses it: a volume's path, a name; empty for none
public record Secret(UUID uuid, boolean ephemeral, boolean unreadable, String description, Usage usage, String usageId) {

    /// virSecretUsageType, and the element that names the user.
    public enum Usage {
        NONE(""), VOLUME("volume"), CEPH("name"), ISCSI("target"), TLS("name"), VTPM("name");

        private final String element;

        Usage(String element) {
            this.element = element;
        }

        private String id() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    static Secret parse(String document) {
        Element secret = Xml.parse("secret_definition", document);
        if (!secret.name().equals("secret")) throw xml("unexpected root element <%s>, expecting <secret>".formatted(secret.name()));
        UUID uuid;
        try {
            uuid = secret.textAt("uuid").map(UUID::fromString).orElseGet(UUID::randomUUID);
        } catch (IllegalArgumentException e) {
            throw xml("malformed uuid element");
        }
        Usage usage = Usage.NONE;
        String usageId = "";
        Element use = secret.child("usage");
        if (use != null) {
            String type = use.attribute("type", "");
            usage = usage(type);
            usageId = usage == Usage.NONE ? "" : use.textAt(usage.element).orElse("");
            if (usage != Usage.NONE && usageId.isEmpty()) throw xml("%s usage specified, but %s is missing".formatted(type, usage.element));
        }
        return new Secret(uuid, yes(secret, "ephemeral"), yes(secret, "private"), secret.textAt("description").orElse(""), usage, usageId);
    }

    private static Usage usage(String type) {
        for (Usage usage : Usage.values()) {
            if (usage.id().equals(type)) return usage;
        }
        throw xml("unknown secret usage type %s".formatted(type));
    }

    private static boolean yes(Element secret, String attribute) {
        return switch (secret.attribute(attribute, "no")) {
            case "yes" -> true;
            case "no" -> false;
            default -> throw xml("invalid value of '%s'".formatted(attribute));
        };
    }

    private static LibvirtException xml(String detail) {
        return LibvirtException.of(ErrorCode.XML_ERROR, ErrorDomain.SECRET, detail);
    }

    SecretRef ref() {
        return new SecretRef(uuid, usage.ordinal(), usageId);
    }

    /// The document of `virsh secret-dumpxml` (secret.rng).
    String describe() {
        Element root = new Element("secret").with("ephemeral", ephemeral ? "yes" : "no").with("private", unreadable ? "yes" : "no");
        root.add(new Element("uuid", uuid));
        if (!description.isEmpty()) root.add(new Element("description", description));
        if (usage != Usage.NONE) root.add(new Element("usage").with("type", usage.id()).add(new Element(usage.element, usageId)));
        return root.toString();
    }
}
