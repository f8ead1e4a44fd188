package io.kahvem.daemon.rpc;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Event;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.Status;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Who wants to be told of what. Events reach each client in the order they were published; publishing waits for no client.
public final class Events {
    /// The kinds of objects that have events of their own; an event's number is unique within its kind.
    public enum Family {
        DOMAIN("domain"), NETWORK("network"), POOL("storage pool"), NODE_DEVICE("node device"), SECRET("secret"), MONITOR("qemu monitor");

        private final String words;

        Family(String words) {
            this.words = words;
        }
    }

    private record Subscription(Client client, int callback, Family family, int event, @Nullable Object object) {}

    private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
    private final AtomicInteger nextCallback = new AtomicInteger(1);

    /// Tells `client` of an event from now on, of one object or, with null, of all. Returns the number its messages begin with.
    public int register(Client client, Family family, int event, @Nullable Object object) {
        int callback = nextCallback.getAndIncrement();
        subscriptions.add(new Subscription(client, callback, family, event, object));
        client.onClose(() -> subscriptions.removeIf(each -> each.client() == client));
        return callback;
    }

    /// Throws [LibvirtException] where the client has no such callback.
    public void deregister(Client client, Family family, int callback) {
        if (!subscriptions.removeIf(each -> each.client() == client && each.family() == family && each.callback() == callback)) {
            throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.EVENT,
                    "%s event callback %d not registered".formatted(family.words, callback));
        }
    }

    /// Sends an event about `object` to those who asked for it; `message` makes it for a callback's number.
    public <M extends Record> void publish(Family family, int id, Object object, Event<M> event, IntFunction<M> message) {
        for (Subscription each : subscriptions) {
            if (each.family() != family || each.event() != id) continue;
            if (each.object() != null && !each.object().equals(object)) continue;
            Header header = Header.of(event.program().number(), event.number(), MessageType.MESSAGE, 0, Status.OK);
            each.client().sendEvent(Packet.encode(header, event.codec(), message.apply(each.callback())));
        }
    }
}
