package io.kahvem.daemon.service;

import io.kahvem.daemon.Users;
import io.kahvem.daemon.rpc.Client;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.Scram;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Connections.SaslAnswer;
import java.security.SecureRandom;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Who is at the other end of a socket that does not say: SCRAM-SHA-256 against the daemon's own users.
public final class SaslService {
    private final Users users;
    private final Map<Client, Scram.Server> underWay = new ConcurrentHashMap<>();

    public SaslService(Users users) {
        this.users = users;
    }

    public void bind(Handlers handlers) {
        handlers.on(Connections.AUTH_SASL_INIT, (call, none) -> new Text(Scram.MECHANISM));
        handlers.on(Connections.AUTH_SASL_START, (call, a) -> start(call.client(), a));
        handlers.on(Connections.AUTH_SASL_STEP, (call, a) -> step(call.client(), a));
    }

    private SaslAnswer start(Client client, Connections.SaslStart start) {
        if (client.isAuthenticated()) throw denied("it is known already who this is");
        if (!start.mechanism().equals(Scram.MECHANISM)) throw denied("mechanism %s is not offered".formatted(start.mechanism()));
        Scram.Server server = new Scram.Server(users::find, new SecureRandom());
        byte[] challenge = server.challenge(start.data());
        underWay.put(client, server);
        client.onClose(() -> underWay.remove(client));
        return new SaslAnswer(0, 0, challenge);
    }

    private SaslAnswer step(Client client, Connections.SaslStep step) {
        Scram.Server server = underWay.remove(client);
        if (server == null) throw denied("no authentication has been started");
        byte[] proof = server.finish(step.data());
        client.authenticated(server.user());
        return new SaslAnswer(1, 0, proof);
    }

    private static LibvirtException denied(String detail) {
        return LibvirtException.of(ErrorCode.AUTH_FAILED, ErrorDomain.AUTH, detail);
    }
}
