package io.kahvem.libvirt;

/// The caller may not do it: a read-only connection, a wrong password, no right.
public final class DeniedException extends LibvirtException {
    private static final long serialVersionUID = 1;

    DeniedException(ErrorCode code, ErrorDomain domain, String message, String detail) {
        super(code, domain, message, detail);
    }
}
