/// Local APICs and how interrupt messages find them (SDM Vol. 3A, chapter 12), for the Java engine, and for KVM where the kernel has none.
/// Registers are used on the vCPU's own thread; interrupts arrive on any thread.
package io.kahvem.apic;
