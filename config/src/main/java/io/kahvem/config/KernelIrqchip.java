package io.kahvem.config;

import java.util.Locale;

/// Which interrupt controllers KVM has in the kernel.
public enum KernelIrqchip {
    /// The local APICs.
    SPLIT,

    /// None: slower, and what kernels before Linux 4.5 can do.
    OFF;

    static KernelIrqchip parse(String option, String text) {
        for (KernelIrqchip irqchip : values()) {
            if (irqchip.name().toLowerCase(Locale.ROOT).equals(text)) return irqchip;
        }
        throw ConfigException.of("accel", option, "says kernel-irqchip=%s; give kernel-irqchip=split or off".formatted(text));
    }
}
