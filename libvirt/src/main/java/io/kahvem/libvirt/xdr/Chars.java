package io.kahvem.libvirt.xdr;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// An array of XDR chars, each of which takes four bytes, and not an opaque: `char x[N]` or, with 0, `char x<>`.
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Chars {
    int value();
}
