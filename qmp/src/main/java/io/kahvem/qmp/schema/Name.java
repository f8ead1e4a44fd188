package io.kahvem.qmp.schema;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// The name in QMP, where it does not follow from Java's: `nodeName` is `node-name`, the command `QueryStatus` is `query-status`, the
/// event `DeviceTrayMoved` is `DEVICE_TRAY_MOVED`, the constant `GUEST_RESET` is `guest-reset`.
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.RECORD_COMPONENT, ElementType.FIELD})
public @interface Name {
    String value();
}
