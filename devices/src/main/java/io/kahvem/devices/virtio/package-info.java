/// Virtio 1.2: what a device is to a transport, and the state that every transport presents. Each device has a package of its own.
/// Called by transports on vCPU threads; devices call back on any thread.
package io.kahvem.devices.virtio;
