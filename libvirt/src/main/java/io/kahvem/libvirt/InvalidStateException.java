package io.kahvem.libvirt;

/// The object is there, but not in a state that allows the operation, or it is busy.
public final class InvalidStateException extends LibvirtException {
    private static final long serialVersionUID = 1;

    InvalidStateException(ErrorCode code, ErrorDomain domain, String message, String detail) {
        super(code, domain, message, detail);
    }
}
