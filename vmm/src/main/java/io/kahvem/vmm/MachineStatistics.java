package io.kahvem.vmm;

import java.time.Duration;
import java.util.List;
import java.util.SequencedMap;

/// What a machine has done so far.
///
/// @param instructionsRetired by vCPU, over all resets; -1 where the engine cannot tell
/// @param running host time since the start, up to the end
/// @param resets how often the machine started again
/// @param unclaimedAccesses reads and writes of ports and memory where nothing answers
/// @param counters what the engine counts beside, [io.kahvem.hypervisor.Vm#counters]
public record MachineStatistics(String engine, List<Long> instructionsRetired, Duration running, int resets, long unclaimedAccesses,
        SequencedMap<String, Long> counters) {
    /// Of all vCPUs; -1 where the engine cannot tell.
    public long totalInstructions() {
        return instructionsRetired.contains(-1L) ? -1 : instructionsRetired.stream().mapToLong(Long::longValue).sum();
    }
}
