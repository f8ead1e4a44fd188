package io.kahvem.daemon.service;

import io.kahvem.daemon.rpc.Call;
import io.kahvem.daemon.rpc.Events;
import io.kahvem.daemon.rpc.Events.Family;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.DomainEvents;
import io.kahvem.libvirt.protocol.Nodes;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Qemu;
import io.kahvem.libvirt.protocol.Secrets;
import io.kahvem.libvirt.protocol.Storage;
import org.jspecify.annotations.Nullable;

/// Who is told of what. An event that never happens here can be asked for all the same.
public final class EventService {
    private static final int TWO_EVENTS = 2;

    private final Events events;

    public EventService(Events events) {
        this.events = events;
    }

    public void bind(Handlers handlers) {
        handlers.on(DomainEvents.REGISTER, (call, a) -> register(call, Family.DOMAIN, a.eventId(), DomainEvents.Id.values().length,
                a.domain().map(domain -> domain.uuid()).orElse(null)));
        handlers.on(Storage.REGISTER, (call, a) -> register(call, Family.POOL, a.eventId(), TWO_EVENTS,
                a.pool().map(pool -> pool.uuid()).orElse(null)));
        handlers.on(Secrets.REGISTER, (call, a) -> register(call, Family.SECRET, a.eventId(), TWO_EVENTS,
                a.secret().map(secret -> secret.uuid()).orElse(null)));
        handlers.on(Nodes.REGISTER, (call, a) -> register(call, Family.NODE_DEVICE, a.eventId(), TWO_EVENTS,
                a.device().map(device -> device.name()).orElse(null)));
        handlers.on(Qemu.MONITOR_EVENT_REGISTER, (call, a) -> register(call, Family.MONITOR, 0, 1,
                a.domain().map(domain -> domain.uuid()).orElse(null)));
        deregister(handlers, DomainEvents.DEREGISTER, Family.DOMAIN);
        deregister(handlers, Storage.DEREGISTER, Family.POOL);
        deregister(handlers, Secrets.DEREGISTER, Family.SECRET);
        deregister(handlers, Nodes.DEREGISTER, Family.NODE_DEVICE);
        deregister(handlers, Qemu.MONITOR_EVENT_DEREGISTER, Family.MONITOR);
    }

    private IntValue register(Call call, Family family, int event, int known, @Nullable Object object) {
        if (event < 0 || event >= known) {
            throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.RPC, "unsupported event ID %d".formatted(event));
        }
        return new IntValue(events.register(call.client(), family, event, object));
    }

    private void deregister(Handlers handlers, Procedure<IntValue, None> procedure, Family family) {
        handlers.on(procedure, (call, a) -> {
            events.deregister(call.client(), family, a.value());
            return new None();
        });
    }
}
