/// The registers by which a guest finds and drives a virtio device: memory-mapped, and PCI.
/// Called on vCPU threads; interrupts leave on any thread.
package io.kahvem.devices.virtio.transport;
