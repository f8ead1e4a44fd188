package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/// How fast machines' disks may be used (`<iotune>`).
public final class DomainThrottles {
    /// The limits this machine has.
    private static final List<String> LIMITS = List.of("total_bytes_sec", "total_iops_sec");

    private final DomainRegistry registry;

    public DomainThrottles(DomainRegistry registry) {
        this.registry = registry;
    }

    /// How many limits there are.
    public static int count() {
        return LIMITS.size();
    }

    /// Those of a disk; 0 where there is none.
    public List<TypedParameter> get(Domain domain, String disk, int flags) {
        Affect affect = Affect.of(domain, flags);
        DomainDefinition config = domain.config();
        DomainDefinition definition = affect.config() && config != null ? config : domain.definition();
        Element element = definition.disk(disk).orElseThrow(() -> Errors.argument("missing disk '%s'", disk));
        List<TypedParameter> parameters = new ArrayList<>();
        for (String limit : LIMITS) {
            parameters.add(TypedParameter.ofULong(limit, Long.parseLong(element.textAt("iotune/" + limit).orElse("0"))));
        }
        return parameters;
    }

    /// Sets those that are named; the others stay.
    public void set(Domain domain, String disk, List<TypedParameter> parameters, int flags) {
        domain.change("virDomainSetBlockIoTune", () -> {
            Affect affect = Affect.of(domain, flags);
            Map<String, Long> wanted = new TreeMap<>();
            for (TypedParameter parameter : parameters) {
                boolean known = LIMITS.contains(parameter.field());
                if (!known && parameter.asLong() != 0) throw Errors.unsupported("disk limit '%s' is not supported", parameter.field());
                if (known) wanted.put(parameter.field(), parameter.asLong());
            }
            Map<String, Long> all = new TreeMap<>();
            get(domain, disk, affect.live() ? Affect.LIVE : Affect.CONFIG).forEach(each -> all.put(each.field(), each.asLong()));
            all.putAll(wanted);
            Consumer<Element> change = tree -> edit(tree, disk, all);
            if (affect.live()) {
                Domain.Running now = domain.requireRunning();
                now.process().throttle(LiveDefinition.diskAlias(now.live().disk(disk).orElseThrow()), all);
                registry.editLive(domain, change);
                List<TypedParameter> told = new ArrayList<>();
                told.add(TypedParameter.ofText("blkdeviotune.disk", disk));
                wanted.forEach((field, value) -> told.add(TypedParameter.ofULong("blkdeviotune." + field, value)));
                registry.events().tunable(domain.ref(), told);
            }
            DomainDefinition config = domain.config();
            if (affect.config() && config != null) registry.redefine(domain, config.edited(registry.types(), change));
        });
    }

    /// Those of a machine that starts, by its disks' aliases.
    static Map<String, Map<String, Long>> of(DomainDefinition live) {
        Map<String, Map<String, Long>> throttles = new TreeMap<>();
        for (Element disk : live.devices("disk")) {
            Element tune = disk.child("iotune");
            if (tune == null) continue;
            Map<String, Long> limits = new TreeMap<>();
            for (String limit : LIMITS) tune.textAt(limit).ifPresent(value -> limits.put(limit, Long.parseLong(value)));
            throttles.put(LiveDefinition.diskAlias(disk), limits);
        }
        return throttles;
    }

    private static void edit(Element tree, String disk, Map<String, Long> limits) {
        for (Element each : tree.childOrNew("devices").children("disk")) {
            if (!each.attributeAt("target", "dev").orElse("").equals(disk)) continue;
            each.removeAll("iotune");
            Element tune = new Element("iotune");
            for (String limit : LIMITS) {
                long value = limits.getOrDefault(limit, 0L);
                if (value > 0) tune.add(new Element(limit, value));
            }
            if (!tune.content().isEmpty()) each.add(tune);
            DomainSchema.arrangeDevice(each);
        }
    }
}
