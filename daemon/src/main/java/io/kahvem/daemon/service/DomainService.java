package io.kahvem.daemon.service;

import io.kahvem.daemon.domain.Domain;
import io.kahvem.daemon.domain.DomainFilter;
import io.kahvem.daemon.domain.DomainMetadata;
import io.kahvem.daemon.domain.DomainRegistry;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.ListAll;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.Texts;
import io.kahvem.libvirt.protocol.Domains;
import java.util.List;

/// Finding, defining and describing machines.
public final class DomainService {
    private static final int LIST_FLAGS = (1 << 16) - 1;
    private static final int DEFINE_VALIDATE = 1;
    private static final int XML_SECURE = 1;
    private static final int XML_INACTIVE = 2;
    private static final None NONE = new None();

    private final DomainRegistry registry;
    private final DomainMetadata metadata;

    public DomainService(DomainRegistry registry) {
        this.registry = registry;
        this.metadata = new DomainMetadata(registry);
    }

    public void bind(Handlers handlers) {
        finding(handlers);
        defining(handlers);
        describing(handlers);
    }

    private void finding(Handlers handlers) {
        handlers.quick(Domains.LIST_ALL, (call, a) -> listAll(a));
        handlers.on(Domains.LOOKUP_BY_ID, (call, a) -> registry.byId(a.value()).ref());
        handlers.quick(Domains.LOOKUP_BY_NAME, (call, a) -> registry.byName(a.text()).ref());
        handlers.quick(Domains.LOOKUP_BY_UUID, (call, a) -> registry.byUuid(a.uuid()).ref());
        handlers.on(Domains.NUM_OF_ACTIVE, (call, a) -> new IntValue((int) registry.all().stream().filter(Domain::isActive).count()));
        handlers.on(Domains.NUM_OF_DEFINED, (call, a) -> new IntValue((int) registry.all().stream().filter(d -> !d.isActive()).count()));
        handlers.on(Domains.LIST_ACTIVE, (call, a) -> new Domains.DomainIds(
                registry.all().stream().map(Domain::id).filter(id -> id >= 0).limit(Room.of(a.maximum())).toList()));
        handlers.on(Domains.LIST_DEFINED, (call, a) -> new Texts(
                registry.all().stream().filter(domain -> !domain.isActive()).map(Domain::name).limit(Room.of(a.maximum())).toList()));
    }

    private Domains.DomainList listAll(ListAll query) {
        DomainFilter.check(query.flags(), LIST_FLAGS, "qemuConnectListAllDomains");
        List<DomainRef> refs = registry.list(query.flags()).stream().map(Domain::ref).toList();
        return new Domains.DomainList(query.needResults() == 0 ? List.of() : refs, refs.size());
    }

    private void defining(Handlers handlers) {
        handlers.on(Domains.DEFINE_XML, (call, a) -> registry.define(a.text(), false).ref());
        handlers.on(Domains.DEFINE_XML_FLAGS, (call, a) -> registry.define(a.text(), (a.flags() & DEFINE_VALIDATE) != 0).ref());
        handlers.on(Domains.UNDEFINE, (call, a) -> undefine(a.domain(), 0));
        handlers.on(Domains.UNDEFINE_FLAGS, (call, a) -> undefine(a.domain(), a.flags()));
        handlers.on(Domains.RENAME, (call, a) -> {
            registry.rename(registry.byRef(a.domain()), a.name().orElse(""));
            return new IntValue(0);
        });
        handlers.on(Domains.GET_AUTOSTART, (call, a) -> truth(registry.byRef(a.domain()).isAutostart()));
        handlers.on(Domains.SET_AUTOSTART, (call, a) -> {
            registry.setAutostart(registry.byRef(a.domain()), a.number() != 0);
            return NONE;
        });
        handlers.on(Domains.SET_METADATA, (call, a) -> {
            metadata.set(registry.byRef(a.domain()), a.type(), a.metadata(), a.key(), a.uri(), a.flags());
            return NONE;
        });
        handlers.on(Domains.SET_LIFECYCLE_ACTION, (call, a) -> {
            metadata.setLifecycleAction(registry.byRef(a.domain()), a.type(), a.action(), a.flags());
            return NONE;
        });
    }

    private None undefine(DomainRef ref, int flags) {
        registry.undefine(registry.byRef(ref), flags);
        return NONE;
    }

    private void describing(Handlers handlers) {
        handlers.on(Domains.GET_XML_DESC, (call, a) -> {
            if ((a.flags() & XML_SECURE) != 0 && call.client().isReadOnly()) {
                throw LibvirtException.of(ErrorCode.OPERATION_DENIED, ErrorDomain.DOM, "virDomainGetXMLDesc with secure flag");
            }
            return new Text(registry.byRef(a.domain()).describe((a.flags() & XML_INACTIVE) != 0, (a.flags() & XML_SECURE) != 0));
        });
        handlers.on(Domains.GET_METADATA, (call, a) ->
                new Text(metadata.get(registry.byRef(a.domain()), a.type(), a.uri(), a.flags())));
        handlers.on(Domains.IS_PERSISTENT, (call, a) -> truth(registry.byRef(a.domain()).isPersistent()));
        handlers.on(Domains.IS_ACTIVE, (call, a) -> truth(registry.byRef(a.domain()).isActive()));
        handlers.on(Domains.IS_UPDATED, (call, a) -> truth(registry.byRef(a.domain()).isUpdated()));
        handlers.on(Domains.GET_OS_TYPE, (call, a) -> new Text(registry.byRef(a.domain()).definition().osType()));
        handlers.quick(Domains.GET_STATE, (call, a) -> {
            Domain domain = registry.byRef(a.domain());
            return new Domains.State(domain.state().state(), domain.state().reason());
        });
        handlers.on(Domains.HAS_MANAGED_SAVE_IMAGE, (call, a) -> {
            registry.byRef(a.domain());
            return new IntValue(0);
        });
        handlers.on(Domains.GET_MESSAGES, (call, a) -> {
            registry.byRef(a.domain());
            return new Texts(List.of());
        });
        handlers.on(Domains.GET_SECURITY_LABEL, (call, a) -> {
            registry.byRef(a.domain());
            return new Domains.SecurityLabel(new byte[0], 0);
        });
    }

    static IntValue truth(boolean value) {
        return new IntValue(value ? 1 : 0);
    }
}
