package io.kahvem.hypervisor;

import java.util.Optional;

/// How an engine is to run a machine, where the engine has a choice.
///
/// @param kernelIrqchip which interrupt controllers the kernel has; empty for as many as it can have
/// @param dirtyRingEntries how many written pages a vCPU notes in its ring, where the kernel notes them; 0 for bitmaps instead
public record VmOptions(Translation translation, Optional<KernelIrqchip> kernelIrqchip, int dirtyRingEntries) {
    public static final VmOptions DEFAULT = new VmOptions(Translation.NORMAL, Optional.empty(), 0);

    /// When an engine without hardware virtualization translates guest code; no guest can tell.
    public enum Translation {
        /// Never: everything is interpreted.
        OFF,

        /// After some executions, waiting for it: for tests.
        EARLY,

        /// What has become hot, in the background.
        NORMAL
    }

    /// Which interrupt controllers an engine of the kernel's leaves to the kernel.
    public enum KernelIrqchip {
        /// The local APICs.
        SPLIT,

        /// None.
        OFF
    }

    public VmOptions with(Translation translation) {
        return new VmOptions(translation, kernelIrqchip, dirtyRingEntries);
    }

    public VmOptions with(KernelIrqchip kernelIrqchip) {
        return new VmOptions(translation, Optional.of(kernelIrqchip), dirtyRingEntries);
    }

    public VmOptions withDirtyRing(int entries) {
        return new VmOptions(translation, kernelIrqchip, entries);
    }
}
