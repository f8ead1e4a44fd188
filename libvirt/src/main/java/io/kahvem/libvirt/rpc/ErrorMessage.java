package io.kahvem.libvirt.rpc;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.NetworkRef;
import io.kahvem.libvirt.xdr.Codec;
import io.kahvem.libvirt.xdr.Codecs;
import java.util.Optional;

/// What an answer of status ERROR carries (virNetMessageError): the message whole, and its format and detail beside it.
public record ErrorMessage(
        int code, int domain, Optional<String> message, int level, Optional<DomainRef> dom,
        Optional<String> str1, Optional<String> str2, Optional<String> str3, int int1, int int2, Optional<NetworkRef> net) {
    public static final Codec<ErrorMessage> CODEC = Codecs.of(ErrorMessage.class);
    private static final int LEVEL_ERROR = 2;

    public static ErrorMessage of(LibvirtException e) {
        return new ErrorMessage(e.code().number(), e.domain().number(), Optional.of(String.valueOf(e.getMessage())), LEVEL_ERROR,
                Optional.empty(), Optional.of(e.code().format()), Optional.of(e.detail()), Optional.empty(), -1, -1, Optional.empty());
    }

    /// As an exception of the client. A daemon that lacks a procedure says so in words: that is [ErrorCode#NO_SUPPORT].
    public LibvirtException toException() {
        String text = message.orElse("the daemon gave no message");
        ErrorCode known = ErrorCode.of(code);
        if (known == ErrorCode.RPC && text.startsWith("unknown procedure")) known = ErrorCode.NO_SUPPORT;
        return LibvirtException.typed(known, ErrorDomain.of(domain), text, str2.orElse(text));
    }
}
