package io.kahvem.libvirt.xdr;

/// Bytes that are not what the message's description says: too short, or longer than a limit allows.
public final class XdrException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public XdrException(String message) {
        super(message);
    }
}
