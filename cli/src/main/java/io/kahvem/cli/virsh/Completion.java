package io.kahvem.cli.virsh;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.InterfaceRef;
import io.kahvem.libvirt.protocol.Common.ListAll;
import io.kahvem.libvirt.protocol.Common.NodeDeviceRef;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Common.VolumeRef;
import io.kahvem.libvirt.protocol.DomainEvents;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Nodes;
import io.kahvem.libvirt.protocol.Secrets;
import io.kahvem.libvirt.protocol.Storage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.w3c.dom.Element;

/// What may stand where the cursor is: verbs, options that are not there yet, and names of what there is.
final class Completion {
    private static final int ALL_DEVICES = 3 << 30;

    private Completion() {}

    /// What an option's value is, as far as it can be listed.
    enum Value { DOMAIN, DISK, POOL, VOLUME, SECRET, DEVICE, INTERFACE, EVENT, VERB, FILE, SHELL, OTHER }

    static Value value(Verb verb, Opt option) {
        boolean ofDomain = verb.group() == Group.DOMAIN || verb.group() == Group.MONITOR;
        return switch (option.name()) {
            case "domain" -> Value.DOMAIN;
            case "pool", "inputpool" -> Value.POOL;
            case "vol" -> Value.VOLUME;
            case "secret" -> Value.SECRET;
            case "file" -> Value.FILE;
            case "source" -> ofDomain ? Value.FILE : Value.OTHER;
            case "device" -> ofDomain ? Value.DISK : Value.DEVICE;
            case "path", "target" -> ofDomain && !verb.name().equals("attach-disk") ? Value.DISK : Value.OTHER;
            case "interface" -> verb.group() == Group.INTERFACE ? Value.INTERFACE : Value.OTHER;
            case "event" -> verb.name().equals("event") ? Value.EVENT : Value.OTHER;
            case "command" -> Value.VERB;
            case "shell" -> Value.SHELL;
            default -> Value.OTHER;
        };
    }

    /// @param before the words of the command up to the cursor's
    /// @param word as much as there is of the one at the cursor
    static List<String> candidates(Session session, List<String> before, String word) {
        if (before.isEmpty()) return starting(Verbs.all().map(Verb::name), word);
        Optional<Verb> found = Verbs.find(before.getFirst());
        if (found.isEmpty()) return List.of();
        Verb verb = found.get();
        List<Opt> options = verb.options();
        Set<String> seen = new HashSet<>();
        Optional<Opt> awaiting = Optional.empty();
        List<String> domains = new ArrayList<>();
        for (String each : before.subList(1, before.size())) {
            if (awaiting.isPresent()) {
                if (awaiting.get().name().equals("domain")) domains.add(each);
                awaiting = Optional.empty();
            } else if (each.startsWith("--")) {
                Optional<Opt> option = options.stream().filter(o -> o.name().equals(each.substring(2).replaceFirst("=.*", ""))).findFirst();
                option.ifPresent(o -> seen.add(o.name()));
                awaiting = option.filter(o -> !o.isFlag() && !each.contains("="));
            } else {
                Optional<Opt> place = place(options, seen);
                place.ifPresent(o -> {
                    seen.add(o.name());
                    if (o.name().equals("domain")) domains.add(each);
                });
            }
        }
        if (awaiting.isPresent()) return starting(values(session, verb, awaiting.get(), domains), word);
        if (word.startsWith("-")) {
            return starting(options.stream().filter(o -> !seen.contains(o.name())).map(o -> "--" + o.name()), word);
        }
        List<String> named = place(options, seen).map(o -> starting(values(session, verb, o, domains), word)).orElse(List.of());
        if (!named.isEmpty() || !word.isEmpty()) return named;
        return starting(options.stream().filter(o -> !seen.contains(o.name())).map(o -> "--" + o.name()), word);
    }

    private static Optional<Opt> place(List<Opt> options, Set<String> seen) {
        return options.stream().filter(o -> o.placed() && (o.kind() == Opt.Kind.REST || !seen.contains(o.name()))).findFirst();
    }

    private static List<String> starting(Stream<String> all, String word) {
        return all.filter(each -> each.startsWith(word)).sorted().toList();
    }

    /// Nothing where the daemon does not answer: a completion never fails.
    private static Stream<String> values(Session session, Verb verb, Opt option, List<String> domains) {
        try {
            return switch (value(verb, option)) {
                case DOMAIN -> session.call(Domains.LIST_ALL, new ListAll(1, 0)).domains().stream().map(each -> each.name());
                case DISK -> domains.isEmpty() ? Stream.of() : disks(session, domains.getFirst());
                case POOL -> pools(session).map(PoolRef::name);
                case VOLUME -> pools(session)
                        .filter(each -> session.call(Storage.POOL_IS_ACTIVE, new Storage.PoolArg(each)).value() != 0)
                        .flatMap(each -> session.call(Storage.LIST_ALL_VOLUMES, new Storage.PoolListAll(each, 1, 0)).volumes().stream())
                        .map(VolumeRef::name);
                case SECRET -> session.call(Secrets.LIST_ALL, new ListAll(1, 0)).secrets().stream().map(each -> each.uuid().toString());
                case DEVICE ->
                    session.call(Nodes.LIST_ALL_DEVICES, new ListAll(1, ALL_DEVICES)).devices().stream().map(NodeDeviceRef::name);
                case INTERFACE -> session.call(Nodes.LIST_ALL_INTERFACES, new ListAll(1, 3)).interfaces().stream().map(InterfaceRef::name);
                case EVENT -> Stream.of(DomainEvents.Id.values()).map(EventVerbs::name);
                case VERB -> Verbs.all().map(Verb::name);
                case SHELL -> Stream.of("bash", "zsh", "fish");
                case FILE, OTHER -> Stream.of();
            };
        } catch (LibvirtException | Session.NotConnected | Failure e) {
            return Stream.of();
        }
    }

    private static Stream<PoolRef> pools(Session session) {
        return session.call(Storage.LIST_ALL_POOLS, new ListAll(1, 0)).pools().stream();
    }

    private static Stream<String> disks(Session session, String domain) {
        Element root = Xml.parse(session.call(Domains.GET_XML_DESC, new Domains.DomainFlags(Lookup.domain(session, domain), 0)).text());
        return Xml.elements(root, "devices/disk").stream().map(Disks::target);
    }
}
