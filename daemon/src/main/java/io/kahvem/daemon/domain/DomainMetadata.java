package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Node;
import io.kahvem.daemon.xml.Xml;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What users write on machines: titles, descriptions, and elements of their own, one a namespace.
public final class DomainMetadata {
    private static final int DESCRIPTION = 0;
    private static final int TITLE = 1;
    private static final int ELEMENT = 2;
    private static final List<String> EVENTS = List.of("on_poweroff", "on_reboot", "on_crash");
    private static final List<String> ACTIONS =
            List.of("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart");

    private final DomainRegistry registry;

    public DomainMetadata(DomainRegistry registry) {
        this.registry = registry;
    }

    /// Throws [LibvirtException] of code NO_DOMAIN_METADATA where there is none.
    public String get(Domain domain, int type, Optional<String> uri, int flags) {
        Affect affect = Affect.of(domain, flags);
        DomainDefinition config = domain.config();
        DomainDefinition definition = affect.config() && config != null ? config : domain.definition();
        return switch (type) {
            case DESCRIPTION -> definition.description().orElseThrow(DomainMetadata::missing);
            case TITLE -> definition.title().orElseThrow(DomainMetadata::missing);
            case ELEMENT -> {
                Element found = find(definition.tree().child("metadata"), uri.orElse(""));
                if (found == null) throw missing();
                yield withoutPrefix(found, prefix(found)).toString().stripTrailing();
            }
            default -> throw Errors.argument("unknown metadata type %d", type);
        };
    }

    private static LibvirtException missing() {
        return LibvirtException.of(ErrorCode.NO_DOMAIN_METADATA, ErrorDomain.DOMAIN, "Requested metadata element is not present");
    }

    /// Sets it, or removes it where there is no `text`.
    public void set(Domain domain, int type, Optional<String> text, Optional<String> key, Optional<String> uri, int flags) {
        Consumer<Element> change = switch (type) {
            case DESCRIPTION -> tree -> setText(tree, "description", text);
            case TITLE -> {
                if (text.orElse("").contains("\n")) throw Errors.argument("metadata title can't contain newlines");
                yield tree -> setText(tree, "title", text);
            }
            case ELEMENT -> {
                Element element = text.map(document -> namespaced(document, key.orElse(""), uri.orElse(""))).orElse(null);
                yield tree -> setElement(tree, element, uri.orElse(""));
            }
            default -> throw Errors.argument("unknown metadata type %d", type);
        };
        edit(domain, "virDomainSetMetadata", flags, change);
        registry.events().metadataChange(domain.ref(), type, type == ELEMENT ? uri : Optional.empty());
    }

    public void setLifecycleAction(Domain domain, int type, int action, int flags) {
        if (type < 0 || type >= EVENTS.size() || action < 0 || action >= ACTIONS.size()) {
            throw Errors.argument("invalid lifecycle action %d for event %d", action, type);
        }
        edit(domain, "virDomainSetLifecycleAction", flags, tree -> tree.childOrNew(EVENTS.get(type)).text(ACTIONS.get(action)));
    }

    private void edit(Domain domain, String what, int flags, Consumer<Element> change) {
        domain.change(what, () -> {
            Affect affect = Affect.of(domain, flags);
            DomainDefinition config = domain.config();
            if (affect.config() && config != null) registry.redefine(domain, config.edited(registry.types(), change));
            if (affect.live()) registry.editLive(domain, change);
        });
    }

    private static void setText(Element tree, String name, Optional<String> text) {
        tree.removeAll(name);
        text.filter(value -> !value.isEmpty()).ifPresent(value -> tree.add(new Element(name, value)));
    }

    private static void setElement(Element tree, @Nullable Element element, String uri) {
        Element metadata = tree.childOrNew("metadata");
        Element before = find(metadata, uri);
        if (before != null) metadata.remove(before);
        if (element != null) metadata.add(element);
        if (metadata.content().isEmpty()) tree.removeAll("metadata");
    }

    /// The element of a namespace: its prefix, or the lack of one, is bound to it on the element itself.
    private static @Nullable Element find(@Nullable Element metadata, String uri) {
        if (metadata == null) return null;
        for (Element each : metadata.children()) {
            String prefix = prefix(each);
            String bound = prefix.isEmpty() ? "xmlns" : "xmlns:" + prefix;
            if (uri.equals(each.attribute(bound)) || uri.equals(metadata.attribute(bound))) return each;
        }
        return null;
    }

    private static String prefix(Element element) {
        int colon = element.name().indexOf(':');
        return colon < 0 ? "" : element.name().substring(0, colon);
    }

    /// The user's element in the namespace `uri`, by the prefix `key`, and so all in it that has no prefix of its own.
    private static Element namespaced(String document, String key, String uri) {
        Element element = Xml.parse("metadata_xml", document);
        if (key.isEmpty() || uri.isEmpty()) throw Errors.argument("metadata needs a key and a namespace");
        Element result = prefixed(element, key);
        result.attributes().clear();
        result.with("xmlns:" + key, uri);
        result.attributes().putAll(element.attributes());
        return result;
    }

    private static Element prefixed(Element element, String key) {
        Element copy = new Element(element.name().contains(":") ? element.name() : key + ":" + element.name());
        copy.attributes().putAll(element.attributes());
        for (Node node : element.content()) copy.content().add(node instanceof Element child ? prefixed(child, key) : node);
        return copy;
    }

    /// The element as the user gave it, without prefix and its binding.
    private static Element withoutPrefix(Element element, String prefix) {
        boolean own = !prefix.isEmpty() && element.name().startsWith(prefix + ":");
        Element copy = new Element(own ? element.name().substring(prefix.length() + 1) : element.name());
        element.attributes().forEach((name, value) -> {
            if (!name.equals("xmlns:" + prefix)) copy.with(name, value);
        });
        for (Node node : element.content()) copy.content().add(node instanceof Element child ? withoutPrefix(child, prefix) : node);
        return copy;
    }
}
