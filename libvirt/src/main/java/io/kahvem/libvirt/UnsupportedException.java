package io.kahvem.libvirt;

/// The daemon, or this version of it, does not do such a thing.
public final class UnsupportedException extends LibvirtException {
    private static final long serialVersionUID = 1;

    UnsupportedException(ErrorCode code, ErrorDomain domain, String message, String detail) {
        super(code, domain, message, detail);
    }
}
