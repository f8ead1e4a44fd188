package io.kahvem.config;

import java.util.Locale;

/// Which engine runs the machine. AUTO takes KVM where it is real hardware virtualization, else the Java engine.
public enum Accel {
    AUTO,
    KVM,
    JVM;

    /// The name `--accel` knows it by, and the name an engine gives itself.
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Accel parse(String text) {
        for (Accel accel : values()) {
            if (accel.id().equals(text)) return accel;
        }
        throw ConfigException.of("accel", text, "is no engine; give auto, kvm or jvm");
    }
}
