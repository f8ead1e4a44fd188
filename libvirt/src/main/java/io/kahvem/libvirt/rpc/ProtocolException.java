package io.kahvem.libvirt.rpc;

import java.io.IOException;

/// The peer sent what is no packet; nothing that follows on this connection can be understood.
public final class ProtocolException extends IOException {
    private static final long serialVersionUID = 1;

    ProtocolException(String message) {
        super(message);
    }
}
