package io.kahvem.daemon.service;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.CountedParameters;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.List;

/// How much a caller has room for.
final class Room {
    private Room() {}

    /// The two-step form: without room for any, how many there are.
    static CountedParameters counted(int room, List<TypedParameter> parameters) {
        return new CountedParameters(room == 0 ? List.of() : parameters.stream().limit(of(room)).toList(), parameters.size());
    }

    /// `maximum` itself. Throws [LibvirtException] for less than nothing.
    static int of(int maximum) {
        if (maximum >= 0) return maximum;
        throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.RPC, "room for %d is less than for none".formatted(maximum));
    }
}
