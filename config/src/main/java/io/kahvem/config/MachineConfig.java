package io.kahvem.config;

/// A machine (under construction).
public record MachineConfig(long memoryBytes, int cpus) {}
