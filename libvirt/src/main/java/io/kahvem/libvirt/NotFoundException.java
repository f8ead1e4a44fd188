package io.kahvem.libvirt;

/// There is no such object.
public final class NotFoundException extends LibvirtException {
    private static final long serialVersionUID = 1;

    NotFoundException(ErrorCode code, ErrorDomain domain, String message, String detail) {
        super(code, domain, message, detail);
    }
}
