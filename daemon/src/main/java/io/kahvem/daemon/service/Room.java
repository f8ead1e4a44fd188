package io.kahvem.daemon.service;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;

/// How much a caller has room for.
final class Room {
    private Room() {}

    /// `maximum` itself. Throws [LibvirtException] for less than nothing.
    static int of(int maximum) {
        if (maximum >= 0) return maximum;
        throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.RPC, "room for %d is less than for none".formatted(maximum));
    }
}
