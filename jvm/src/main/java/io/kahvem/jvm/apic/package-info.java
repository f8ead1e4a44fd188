/// Local APICs and how interrupt messages find them (SDM Vol. 3A, chapter 12).
/// Registers are used on the vCPU's own thread; interrupts arrive on any thread.
package io.kahvem.jvm.apic;
