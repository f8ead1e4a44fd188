package io.kahvem.hypervisor;

import java.util.List;

/// What makes a vCPU stop for a debugger, with [VmExit.Debug].
///
/// @param singleStep after each instruction
/// @param int3 at INT3, which the guest then does not see
/// @param breakpoints before the instructions at these linear addresses, at most 4, each time the vCPU is run there without RFLAGS.RF; the
///     guest's own debug registers do not work then
public record DebugControl(boolean singleStep, boolean int3, List<Long> breakpoints) {
    public static final int MAX_BREAKPOINTS = 4;
    public static final DebugControl OFF = new DebugControl(false, false, List.of());

    public DebugControl {
        breakpoints = List.copyOf(breakpoints);
        if (breakpoints.size() > MAX_BREAKPOINTS) throw new IllegalArgumentException("at most " + MAX_BREAKPOINTS + " breakpoints");
    }

    public boolean isOff() {
        return !singleStep && !int3 && breakpoints.isEmpty();
    }
}
