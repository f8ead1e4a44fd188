package io.kahvem.libvirt;

/// An argument or an XML document is wrong; nothing was done.
public final class InvalidInputException extends LibvirtException {
    private static final long serialVersionUID = 1;

    InvalidInputException(ErrorCode code, ErrorDomain domain, String message, String detail) {
        super(code, domain, message, detail);
    }
}
