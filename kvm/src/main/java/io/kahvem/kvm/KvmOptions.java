package io.kahvem.kvm;

/// What a VM is made with.
///
/// @param dirtyRingEntries the size of each vCPU's ring of dirty pages, a power of two; 0 for the kernel's bitmap instead
record KvmOptions(int dirtyRingEntries) {
    static final KvmOptions DEFAULT = new KvmOptions(0);
}
