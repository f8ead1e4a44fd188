package io.kahvem.hypervisor;

/// A virtual CPU. `run`, `state`, `setState` are called by one thread, its own; `kick` by any.
public interface Vcpu {
    int apicId();

    /// Runs guest code until something happens that the engine does not handle. HLT and the wait for SIPI sleep inside.
    VmExit run(VmIo io);

    /// Makes the current or next `run` return [VmExit.Kicked] soon.
    void kick();

    /// A copy of the whole architectural state; the vCPU is not in `run`.
    CpuState state();

    /// Replaces the architectural state; the vCPU is not in `run`.
    void setState(CpuState state);

    /// From the next `run` on, stop as `control` says. False where the engine cannot; the vCPU is not in `run`.
    default boolean setDebug(DebugControl control) {
        return false;
    }

    /// Guest instructions retired so far (each iteration of a repeated string instruction counts as one). Approximate while the vCPU runs;
    /// -1 where the engine cannot tell. Any thread.
    long instructionsRetired();
}
