/// PCI and PCI Express: buses, functions with their configuration space, base addresses and interrupts, bridges, the ways to them.
/// Called on vCPU threads; interrupts on any.
package io.kahvem.devices.pci;
