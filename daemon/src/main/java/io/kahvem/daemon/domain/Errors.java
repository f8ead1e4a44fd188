package io.kahvem.daemon.domain;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;

/// What this package refuses with, in libvirt's words.
final class Errors {
    private Errors() {}

    static LibvirtException xml(String detail, Object... values) {
        return LibvirtException.of(ErrorCode.XML_ERROR, ErrorDomain.DOMAIN, detail.formatted(values));
    }

    static LibvirtException unsupported(String detail, Object... values) {
        return LibvirtException.of(ErrorCode.CONFIG_UNSUPPORTED, ErrorDomain.QEMU, detail.formatted(values));
    }

    static LibvirtException invalid(String detail, Object... values) {
        return LibvirtException.of(ErrorCode.OPERATION_INVALID, ErrorDomain.QEMU, detail.formatted(values));
    }

    static LibvirtException failed(String detail, Object... values) {
        return LibvirtException.of(ErrorCode.OPERATION_FAILED, ErrorDomain.DOMAIN, detail.formatted(values));
    }

    static LibvirtException argument(String detail, Object... values) {
        return LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.QEMU, detail.formatted(values));
    }

    static LibvirtException internal(String detail, Object... values) {
        return LibvirtException.of(ErrorCode.INTERNAL_ERROR, ErrorDomain.QEMU, detail.formatted(values));
    }

    static LibvirtException notRunning() {
        return invalid("domain is not running");
    }
}
