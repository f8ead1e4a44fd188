/// The PCI bus: configuration mechanism #1, functions and their configuration space, the host bridge.
/// Called on vCPU threads.
package io.kahvem.devices.pci;
