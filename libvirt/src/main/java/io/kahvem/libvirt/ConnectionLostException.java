package io.kahvem.libvirt;

/// There is no connection, or no more: the daemon is not there, went away, or sent what is not the protocol.
public final class ConnectionLostException extends LibvirtException {
    private static final long serialVersionUID = 1;

    public ConnectionLostException(String message) {
        super(ErrorCode.RPC, ErrorDomain.RPC, message, message);
    }

    public ConnectionLostException(String message, Throwable cause) {
        this(message);
        initCause(cause);
    }
}
