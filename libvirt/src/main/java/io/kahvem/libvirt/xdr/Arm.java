package io.kahvem.libvirt.xdr;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// The discriminant of a record that is one arm of a union; the union is the sealed interface it implements.
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Arm {
    int value();
}
