package io.kahvem.vmm;

/// A virtual machine (under construction).
public final class Machine {}
