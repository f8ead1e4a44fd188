package io.kahvem.daemon.domain;

import io.kahvem.daemon.rpc.Events;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.DomainEvents;
import io.kahvem.libvirt.protocol.Event;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/// Tells clients what happens to machines. Its methods are called in the order it happens.
public final class DomainPublisher {
    private final Events events;

    public DomainPublisher(Events events) {
        this.events = events;
    }

    void lifecycle(DomainRef domain, Lifecycle what) {
        publish(DomainEvents.Id.LIFECYCLE, domain, DomainEvents.LIFECYCLE,
                callback -> new DomainEvents.Lifecycle(callback, domain, what.event(), what.detail()));
    }

    void reboot(DomainRef domain) {
        publish(DomainEvents.Id.REBOOT, domain, DomainEvents.REBOOT, callback -> new DomainEvents.Plain(callback, domain));
    }

    void balloonChange(DomainRef domain, long kib) {
        publish(DomainEvents.Id.BALLOON_CHANGE, domain, DomainEvents.BALLOON_CHANGE,
                callback -> new DomainEvents.BalloonChange(callback, domain, kib));
    }

    void metadataChange(DomainRef domain, int type, Optional<String> uri) {
        publish(DomainEvents.Id.METADATA_CHANGE, domain, DomainEvents.METADATA_CHANGE,
                callback -> new DomainEvents.MetadataChange(callback, domain, type, uri));
    }

    void tunable(DomainRef domain, List<TypedParameter> parameters) {
        publish(DomainEvents.Id.TUNABLE, domain, DomainEvents.TUNABLE, callback -> new DomainEvents.Tunable(callback, domain, parameters));
    }

    /// @param opened whether the tray is open now
    void trayChange(DomainRef domain, String alias, boolean opened) {
        publish(DomainEvents.Id.TRAY_CHANGE, domain, DomainEvents.TRAY_CHANGE,
                callback -> new DomainEvents.TrayChange(callback, domain, alias, opened ? 0 : 1));
    }

    void deviceAdded(DomainRef domain, String alias) {
        publish(DomainEvents.Id.DEVICE_ADDED, domain, DomainEvents.DEVICE_ADDED, callback -> new DomainEvents.DeviceAlias(callback, domain,
                alias));
    }

    void deviceRemoved(DomainRef domain, String alias) {
        publish(DomainEvents.Id.DEVICE_REMOVED, domain, DomainEvents.DEVICE_REMOVED, callback -> new DomainEvents.DeviceAlias(callback,
                domain, alias));
    }

    private <M extends Record> void publish(DomainEvents.Id id, DomainRef domain, Event<M> event, IntFunction<M> message) {
        events.publish(Events.Family.DOMAIN, id.ordinal(), domain.uuid(), event, message);
    }
}
