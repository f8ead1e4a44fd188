package io.kahvem.hypervisor;

/// How an engine is to run a machine, where the engine has a choice; no guest can tell.
public record VmOptions(Translation translation) {
    public static final VmOptions DEFAULT = new VmOptions(Translation.NORMAL);

    /// When an engine without hardware virtualization translates guest code.
    public enum Translation {
        /// Never: everything is interpreted.
        OFF,

        /// After some executions, waiting for it: for tests.
        EARLY,

        /// What has become hot, in the background.
        NORMAL
    }
}
