package io.kahvem.config;

import java.util.Optional;
import java.util.OptionalInt;

/// What `--accel` says: an engine, and after commas how it is to run; what is empty is left to the engine.
///
/// @param translation of the Java engine
/// @param kernelIrqchip of KVM
/// @param dirtyRingSize of KVM: how many written pages a vCPU notes in its ring, a power of two from 1024 to 65536
public record AccelOption(
        Accel accel, Optional<Translation> translation, Optional<KernelIrqchip> kernelIrqchip, OptionalInt dirtyRingSize) {
    /// What linux/kvm.h's KVM_DIRTY_RING_MAX_ENTRIES and the entries that the kernel keeps for itself leave.
    private static final int LEAST_RING = 1 << 10;

    private static final int MOST_RING = 1 << 16;

    public AccelOption {
        if (translation.isPresent()) belongsTo(Accel.JVM, accel, "translate");
        if (kernelIrqchip.isPresent()) belongsTo(Accel.KVM, accel, "kernel-irqchip");
        if (dirtyRingSize.isPresent()) belongsTo(Accel.KVM, accel, "dirty-ring-size");
    }

    public AccelOption(Accel accel) {
        this(accel, Optional.empty(), Optional.empty(), OptionalInt.empty());
    }

    private static void belongsTo(Accel owner, Accel accel, String option) {
        if (accel == owner) return;
        String taken = "takes no %s=, which is engine %s's; give %2$s,%1$s=...";
        throw ConfigException.of("accel", accel.id(), taken.formatted(option, owner.id()));
    }

    /// Reads `ENGINE`, `jvm,translate=off|early|normal` or `kvm,kernel-irqchip=split|off,dirty-ring-size=ENTRIES`.
    public static AccelOption parse(String text) {
        String[] words = text.split(",", -1);
        AccelOption option = new AccelOption(Accel.parse(words[0]));
        for (int n = 1; n < words.length; n++) option = option.with(text, words[n]);
        return option;
    }

    private AccelOption with(String text, String word) {
        int valueAt = word.indexOf('=') + 1;
        String name = word.substring(0, valueAt);
        String value = word.substring(valueAt);
        switch (name) {
            case "translate=" -> {
                once(text, name, translation.isEmpty());
                return new AccelOption(accel, Optional.of(Translation.parse(text, value)), kernelIrqchip, dirtyRingSize);
            }
            case "kernel-irqchip=" -> {
                once(text, name, kernelIrqchip.isEmpty());
                return new AccelOption(accel, translation, Optional.of(KernelIrqchip.parse(text, value)), dirtyRingSize);
            }
            case "dirty-ring-size=" -> {
                once(text, name, dirtyRingSize.isEmpty());
                return new AccelOption(accel, translation, kernelIrqchip, OptionalInt.of(ringSize(text, value)));
            }
            default -> {
                String accepted = "has \"%s\", which is no option; there is translate=off|early|normal of jvm,"
                        + " kernel-irqchip=split|off and dirty-ring-size=ENTRIES of kvm";
                throw ConfigException.of("accel", text, accepted.formatted(word));
            }
        }
    }

    private static void once(String text, String name, boolean first) {
        if (!first) throw ConfigException.of("accel", text, "says %s twice; give it once".formatted(name));
    }

    private static int ringSize(String text, String value) {
        for (int entries = LEAST_RING; entries <= MOST_RING; entries *= 2) {
            if (value.equals(Integer.toString(entries))) return entries;
        }
        throw ConfigException.of("accel", text, "says dirty-ring-size=%s; give a power of two from %d to %d"
                .formatted(value, LEAST_RING, MOST_RING));
    }
}
