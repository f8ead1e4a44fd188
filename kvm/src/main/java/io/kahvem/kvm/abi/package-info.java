/// The kernel's KVM interface as data: request numbers, structures, exit reasons, capabilities, by the names of linux/kvm.h.
/// Used by the engine above; a test compares all of it with the C headers. Nothing here calls the kernel.
package io.kahvem.kvm.abi;
