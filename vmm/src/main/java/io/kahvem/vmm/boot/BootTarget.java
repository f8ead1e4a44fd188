package io.kahvem.vmm.boot;

import io.kahvem.memory.GuestMemory;

/// The machine as a loader sees it.
///
/// @param memory with RAM where `layout` says
/// @param rsdpGpa where ACPI's root pointer is, or 0
/// @param rngSeed random bytes for the guest's first entropy; none where the array is empty
public record BootTarget(GuestMemory memory, MemoryLayout layout, long rsdpGpa, byte[] rngSeed) {}
