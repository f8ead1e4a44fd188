package io.kahvem.config;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What `--accel` says: an engine, and after commas how it is to run.
///
/// @param translation of the Java engine; empty leaves it to the engine
/// @param kernelIrqchip of KVM; empty leaves it to the engine
public record AccelOption(Accel accel, Optional<Translation> translation, Optional<KernelIrqchip> kernelIrqchip) {
    private static final String TRANSLATE = "translate=";
    private static final String KERNEL_IRQCHIP = "kernel-irqchip=";

    public AccelOption {
        if (translation.isPresent() && accel != Accel.JVM) {
            throw ConfigException.of("accel", accel.id(), "takes no translate=, which is the Java engine's; give jvm,translate=...");
        }
        if (kernelIrqchip.isPresent() && accel != Accel.KVM) {
            throw ConfigException.of("accel", accel.id(), "takes no kernel-irqchip=, which is KVM's; give kvm,kernel-irqchip=...");
        }
    }

    public AccelOption(Accel accel) {
        this(accel, Optional.empty(), Optional.empty());
    }

    /// Reads `ENGINE`, `jvm,translate=off|early|normal` or `kvm,kernel-irqchip=split|off`.
    public static AccelOption parse(String text) {
        String[] words = text.split(",", -1);
        Accel accel = Accel.parse(words[0]);
        @Nullable Translation translation = null;
        @Nullable KernelIrqchip irqchip = null;
        for (int n = 1; n < words.length; n++) {
            if (words[n].startsWith(TRANSLATE)) {
                if (translation != null) throw ConfigException.of("accel", text, "says translate= twice; give it once");
                translation = Translation.parse(text, words[n].substring(TRANSLATE.length()));
            } else if (words[n].startsWith(KERNEL_IRQCHIP)) {
                if (irqchip != null) throw ConfigException.of("accel", text, "says kernel-irqchip= twice; give it once");
                irqchip = KernelIrqchip.parse(text, words[n].substring(KERNEL_IRQCHIP.length()));
            } else {
                String accepted = "has \"%s\", which is no option; there is translate=off|early|normal of jvm"
                        + " and kernel-irqchip=split|off of kvm";
                throw ConfigException.of("accel", text, accepted.formatted(words[n]));
            }
        }
        return new AccelOption(accel, Optional.ofNullable(translation), Optional.ofNullable(irqchip));
    }
}
