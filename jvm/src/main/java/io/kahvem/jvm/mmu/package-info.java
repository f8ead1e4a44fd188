/// Guest-virtual memory: page walk, software TLB, loads and stores.
/// Called by semantics and generated code on the vCPU's own thread.
package io.kahvem.jvm.mmu;
