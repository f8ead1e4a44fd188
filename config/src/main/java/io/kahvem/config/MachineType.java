package io.kahvem.config;

import java.util.Locale;

/// What board the machine is.
public enum MachineType {
    /// Intel's Q35 chipset: PCI Express, and all that firmware and operating systems know.
    Q35,
    /// A board without PCI: its virtio devices are behind memory-mapped registers, which ACPI announces. It starts a kernel, not firmware.
    MICROVM;

    /// How many virtio devices a microvm has room for.
    public static final int MICROVM_DEVICES = 8;

    /// The name that `--machine` knows it by.
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Throws ConfigException for what is none.
    public static MachineType parse(String text) {
        for (MachineType type : values()) {
            if (type.id().equals(text)) return type;
        }
        throw ConfigException.of("machine", text, "is no machine; give q35 or microvm");
    }
}
