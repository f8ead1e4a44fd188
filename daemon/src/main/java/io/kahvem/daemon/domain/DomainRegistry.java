package io.kahvem.daemon.domain;

import io.kahvem.daemon.AtomicFiles;
import io.kahvem.daemon.StateFiles;
import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// All machines of this daemon, by UUID and by name, and their files. A change of names holds the registry's lock; finding one takes none.
public final class DomainRegistry {
    /// virDomainUndefineFlagsValues.
    private static final int UNDEFINE_NVRAM = 4;
    private static final int UNDEFINE_KEEP_NVRAM = 8;

    private final MachineTypes types;
    private final StateFiles definitions;
    private final StateFiles autostarts;
    private final DomainPublisher events;
    private final Map<UUID, Domain> byUuid = new ConcurrentHashMap<>();
    private final Map<String, Domain> byName = new ConcurrentHashMap<>();

    public DomainRegistry(MachineTypes types, Path state, DomainPublisher events) {
        this.types = types;
        this.definitions = StateFiles.lasting(state.resolve("domains"));
        this.autostarts = StateFiles.lasting(state.resolve("domains/autostart"));
        this.events = events;
    }

    /// Reads what was defined when the daemon last ran.
    public synchronized void load() {
        definitions.loadAll(text -> {
            DomainDefinition definition = DomainDefinition.ofCanonical(Xml.parse("domain_definition", text));
            Domain renamed = byUuid.get(definition.uuid());
            if (renamed != null) {
                // The daemon ended between writing the new name and removing the old one.
                byName.remove(renamed.name());
                definitions.delete(renamed.name());
            }
            Domain domain = new Domain(definition);
            domain.config(definition);
            byUuid.put(domain.uuid(), domain);
            byName.put(definition.name(), domain);
        });
        autostarts.loadAll(text -> Optional.ofNullable(byName.get(text.strip())).ifPresent(domain -> domain.autostart(true)));
    }

    MachineTypes types() {
        return types;
    }

    DomainPublisher events() {
        return events;
    }

    // ---- finding

    public Collection<Domain> all() {
        return byUuid.values().stream().sorted((a, b) -> a.name().compareTo(b.name())).toList();
    }

    public Domain byRef(DomainRef ref) {
        Domain domain = byUuid.get(ref.uuid());
        if (domain == null) throw notFound("no domain with matching uuid '%s' (%s)".formatted(ref.uuid(), ref.name()));
        return domain;
    }

    public Domain byName(String name) {
        Domain domain = byName.get(name);
        if (domain == null) throw notFound("no domain with matching name '%s'".formatted(name));
        return domain;
    }

    public Domain byUuid(UUID uuid) {
        Domain domain = byUuid.get(uuid);
        if (domain == null) throw notFound("no domain with matching uuid '%s'".formatted(uuid));
        return domain;
    }

    public Domain byId(int id) {
        return byUuid.values().stream().filter(each -> each.id() == id && id >= 0).findFirst()
                .orElseThrow(() -> notFound("no domain with matching id '%d'".formatted(id)));
    }

    private static LibvirtException notFound(String detail) {
        return LibvirtException.of(ErrorCode.NO_DOMAIN, ErrorDomain.QEMU, detail);
    }

    // ---- definitions

    /// Defines a machine, or defines one of the same UUID and name anew. Throws [LibvirtException] for a description it refuses.
    public Domain define(String document, boolean validate) {
        return define(DomainDefinition.parse(document, validate, types));
    }

    private synchronized Domain define(DomainDefinition definition) {
        Domain before = admit(definition, false);
        Domain domain = before == null ? new Domain(definition) : before;
        return domain.change("virDomainDefineXML", () -> {
            boolean added = domain.config() == null;
            definitions.write(definition.name(), definition.toString());
            domain.config(definition);
            byUuid.put(domain.uuid(), domain);
            byName.put(definition.name(), domain);
            events.lifecycle(domain.ref(), added ? Lifecycle.DEFINED_ADDED : Lifecycle.DEFINED_UPDATED);
            return domain;
        });
    }

    /// The domain a description means, if there is one already. Throws where its name or its UUID is another's, or, for one that is to be
    /// started, where it runs.
    private @Nullable Domain admit(DomainDefinition definition, boolean start) {
        Domain sameUuid = byUuid.get(definition.uuid());
        Domain sameName = byName.get(definition.name());
        if (sameUuid != null && sameUuid != sameName) {
            throw Errors.failed("domain '%s' is already defined with uuid %s", sameUuid.name(), sameUuid.uuid());
        }
        if (sameName != null && sameUuid == null) {
            throw Errors.failed("domain '%s' already exists with uuid %s", sameName.name(), sameName.uuid());
        }
        if (start && sameUuid != null && sameUuid.isActive()) throw Errors.invalid("domain '%s' is already active", sameUuid.name());
        return sameUuid;
    }

    /// Adds a machine that is gone when it stops, unless it is defined. [#forgetTransient] takes it away again.
    synchronized Domain addTransient(DomainDefinition definition) {
        Domain before = admit(definition, true);
        if (before != null) return before;
        Domain domain = new Domain(definition);
        byUuid.put(domain.uuid(), domain);
        byName.put(definition.name(), domain);
        return domain;
    }

    /// The domain of a machine that runs already, defined or not.
    synchronized Domain running(DomainDefinition live) {
        Domain known = byUuid.get(live.uuid());
        if (known != null) return known;
        Domain domain = new Domain(live);
        byUuid.put(live.uuid(), domain);
        byName.put(live.name(), domain);
        return domain;
    }

    /// Takes a transient machine that stopped away.
    synchronized void forgetTransient(Domain domain, String name) {
        if (domain.config() != null) return;
        byUuid.remove(domain.uuid(), domain);
        byName.remove(name, domain);
    }

    /// @param flags say what is to become of UEFI's variables, where the machine has some
    public synchronized void undefine(Domain domain, int flags) {
        domain.change("virDomainUndefineFlags", () -> {
            DomainDefinition config = domain.config();
            if (config == null) throw Errors.invalid("cannot undefine transient domain");
            config.variables().filter(Files::exists).ifPresent(file -> {
                if ((flags & (UNDEFINE_NVRAM | UNDEFINE_KEEP_NVRAM)) == 0) throw Errors.invalid("cannot undefine domain with nvram");
                if ((flags & UNDEFINE_NVRAM) != 0) AtomicFiles.delete(file);
            });
            DomainRef ref = domain.ref();
            autostarts.delete(config.name());
            definitions.delete(config.name());
            domain.autostart(false);
            if (!domain.isActive()) {
                byUuid.remove(domain.uuid());
                byName.remove(config.name());
            } else {
                domain.config(null);
            }
            events.lifecycle(ref, Lifecycle.UNDEFINED_REMOVED);
        });
    }

    /// Replaces what a defined machine will start as; its name stays.
    void redefine(Domain domain, DomainDefinition definition) {
        definitions.write(definition.name(), definition.toString());
        domain.config(definition);
    }

    /// Changes what the running machine is; the description it was started as changes with it, for one that has no other.
    void editLive(Domain domain, Consumer<Element> change) {
        Domain.Running now = domain.requireRunning();
        Element live = now.live().tree();
        change.accept(live);
        domain.running(now.with(DomainDefinition.ofCanonical(live)));
    }

    public synchronized void rename(Domain domain, String name) {
        DomainFiller.checkName(name);
        domain.change("virDomainRename", () -> {
            DomainDefinition config = domain.config();
            if (config == null) throw Errors.invalid("cannot rename a transient domain");
            if (domain.isActive()) throw Errors.invalid("cannot rename active domain");
            if (byName.containsKey(name)) throw Errors.failed("domain with name '%s' already exists", name);
            DomainRef before = domain.ref();
            String oldName = config.name();
            redefine(domain, config.edited(types, tree -> tree.put(new Element("name", name))));
            if (domain.isAutostart()) autostarts.write(name, name);
            definitions.delete(oldName);
            autostarts.delete(oldName);
            byName.put(name, domain);
            byName.remove(oldName);
            events.lifecycle(before, Lifecycle.UNDEFINED_RENAMED);
            events.lifecycle(domain.ref(), Lifecycle.DEFINED_RENAMED);
        });
    }

    /// How often the balloon asks its guest for statistics, in seconds; 0 never.
    public void setStatisticsPeriod(Domain domain, int seconds, int flags) {
        domain.change("virDomainSetMemoryStatsPeriod", () -> {
            if (seconds < 0) throw Errors.argument("period must not be negative: %d", seconds);
            Affect affect = Affect.of(domain, flags);
            Consumer<Element> change = tree -> {
                for (Element balloon : tree.childOrNew("devices").children("memballoon")) {
                    balloon.removeAll("stats");
                    if (seconds > 0) balloon.add(new Element("stats").with("period", seconds));
                    DomainSchema.arrangeDevice(balloon);
                }
            };
            if (affect.live()) {
                domain.requireRunning().process().balloonStatisticsPeriod(seconds);
                editLive(domain, change);
            }
            DomainDefinition config = domain.config();
            if (affect.config() && config != null) redefine(domain, config.edited(types, change));
        });
    }

    public void setAutostart(Domain domain, boolean autostart) {
        domain.change("virDomainSetAutostart", () -> {
            DomainDefinition config = domain.config();
            if (config == null) throw Errors.invalid("cannot set autostart for transient domain");
            if (autostart) autostarts.write(config.name(), config.name());
            else autostarts.delete(config.name());
            domain.autostart(autostart);
        });
    }

    /// Those of a list's filter (virConnectListAllDomainsFlags).
    public List<Domain> list(int flags) {
        return all().stream().filter(domain -> DomainFilter.fits(flags, domain)).toList();
    }
}
