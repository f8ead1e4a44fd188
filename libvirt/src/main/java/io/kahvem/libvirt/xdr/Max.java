package io.kahvem.libvirt.xdr;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// The most elements of a list, octets of an opaque, or octets of a string, that the protocol allows; without it [Codecs#LIST_MAX]
/// and [Codecs#STRING_MAX].
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Max {
    int value();
}
