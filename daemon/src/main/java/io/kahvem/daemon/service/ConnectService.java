package io.kahvem.daemon.service;

import io.kahvem.daemon.node.HostNode;
import io.kahvem.daemon.rpc.Call;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.Size;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Connections;
import java.util.List;
import java.util.regex.Pattern;

/// Opening a connection and asking what is behind it.
public final class ConnectService {
    /// The version of libvirt whose protocol and answers these are, and of QEMU whose machines': major * 1,000,000 + minor * 1,000 +
    /// release.
    private static final long LIBVIRT_VERSION = 9_000_000;
    private static final long HYPERVISOR_VERSION = 7_002_000;

    private static final Pattern URI = Pattern.compile("(qemu|kahvem)(\\+\\w+)?://[^/]*/(system|session|embed)?(\\?.*)?");
    private static final int READ_ONLY = 1;
    private static final int SASL = 1;
    private static final None NONE = new None();

    private final String uri;
    private final HostNode node;

    /// @param uri the name of this daemon's driver, for clients that give none
    public ConnectService(String uri, HostNode node) {
        this.uri = uri;
        this.node = node;
    }

    public void bind(Handlers handlers) {
        handlers.on(Connections.AUTH_LIST, (call, none) ->
                new Connections.AuthTypes(List.of(call.client().isAuthenticated() ? 0 : SASL)));
        handlers.on(Connections.OPEN, this::open);
        handlers.on(Connections.CLOSE, (call, none) -> NONE);
        handlers.quick(Connections.SUPPORTS_FEATURE, this::supportsFeature);
        handlers.on(Connections.GET_TYPE, (call, none) -> new Text("QEMU"));
        handlers.on(Connections.GET_VERSION, (call, none) -> new Size(HYPERVISOR_VERSION));
        handlers.on(Connections.GET_LIB_VERSION, (call, none) -> new Size(LIBVIRT_VERSION));
        handlers.on(Connections.GET_HOSTNAME, (call, none) -> new Text(node.hostname()));
        handlers.on(Connections.GET_URI, (call, none) -> new Text(uri));
        handlers.on(Connections.IS_SECURE, (call, none) -> new IntValue(call.client().link().secure() ? 1 : 0));
        handlers.quick(Connections.REGISTER_CLOSE_CALLBACK, (call, none) -> NONE);
        handlers.quick(Connections.UNREGISTER_CLOSE_CALLBACK, (call, none) -> NONE);
        handlers.on(Connections.NODE_GET_SECURITY_MODEL, (call, none) -> new Connections.SecurityModel(new byte[0], new byte[0]));
    }

    private None open(Call call, Connections.Open open) {
        if (!call.client().isAuthenticated()) throw LibvirtException.of(ErrorCode.RPC, ErrorDomain.RPC, "authentication required");
        if (call.client().isOpen()) throw LibvirtException.of(ErrorCode.INTERNAL_ERROR, ErrorDomain.RPC, "connection already open");
        String name = open.name().orElse("");
        if (!name.isEmpty() && !URI.matcher(name).matches()) throw LibvirtException.of(ErrorCode.NO_CONNECT, ErrorDomain.NONE, name);
        call.client().open((open.flags() & READ_ONLY) != 0);
        return NONE;
    }

    /// The features of virDrvFeature that make a difference to clients.
    private IntValue supportsFeature(Call call, IntValue feature) {
        boolean supported = switch (feature.value()) {
            case 8 -> call.client().link().local(); // VIR_DRV_FEATURE_FD_PASSING
            case 9 -> true; // VIR_DRV_FEATURE_TYPED_PARAM_STRING
            case 10 -> { // VIR_DRV_FEATURE_PROGRAM_KEEPALIVE
                call.client().knowsKeepalive();
                yield true;
            }
            case 14 -> true; // VIR_DRV_FEATURE_REMOTE_EVENT_CALLBACK
            case 15 -> true; // VIR_DRV_FEATURE_REMOTE_CLOSE_CALLBACK
            case 16 -> true; // VIR_DRV_FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER
            default -> false;
        };
        return new IntValue(supported ? 1 : 0);
    }
}
