package io.kahvem.daemon.service;

import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.daemon.secret.SecretRegistry;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.Octets;
import io.kahvem.libvirt.protocol.Common.SecretRef;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.Texts;
import io.kahvem.libvirt.protocol.Secrets;
import java.util.List;

/// Secrets.
public final class SecretService {
    private static final None NONE = new None();

    private final SecretRegistry secrets;

    public SecretService(SecretRegistry secrets) {
        this.secrets = secrets;
    }

    public void bind(Handlers handlers) {
        handlers.on(Secrets.LIST_ALL, (call, a) -> {
            List<SecretRef> refs = secrets.list(a.flags());
            return new Secrets.SecretList(a.needResults() == 0 ? List.of() : refs, refs.size());
        });
        handlers.on(Secrets.NUM_OF, (call, none) -> new IntValue(secrets.list(0).size()));
        handlers.on(Secrets.LIST, (call, a) -> new Texts(
                secrets.list(0).stream().map(ref -> ref.uuid().toString()).limit(Room.of(a.maximum())).toList()));
        handlers.on(Secrets.LOOKUP_BY_UUID, (call, a) -> secrets.lookup(a.uuid()));
        handlers.on(Secrets.LOOKUP_BY_USAGE, (call, a) -> secrets.lookup(a.usageType(), a.usageId()));
        handlers.on(Secrets.DEFINE_XML, (call, a) -> secrets.define(a.text()));
        handlers.on(Secrets.GET_XML_DESC, (call, a) -> new Text(secrets.describe(a.secret().uuid())));
        handlers.on(Secrets.SET_VALUE, (call, a) -> {
            secrets.setValue(a.secret().uuid(), a.value());
            return NONE;
        });
        handlers.on(Secrets.GET_VALUE, (call, a) -> new Octets(secrets.value(a.secret().uuid())));
        handlers.on(Secrets.UNDEFINE, (call, a) -> {
            secrets.undefine(a.secret().uuid());
            return NONE;
        });
    }
}
