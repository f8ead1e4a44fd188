package io.kahvem.hypervisor;

/// Whether an engine can run on this host.
public sealed interface Availability {
    record Available() implements Availability {}

    /// `evidence` is what was found, `remedy` the command or action that mends it (empty where there is none).
    record Unavailable(Reason reason, String evidence, String remedy) implements Availability {}

    enum Reason {
        NO_DEVICE,
        NO_PERMISSION,
        SOFTWARE_ONLY,
        UNSUPPORTED_HOST
    }
}
