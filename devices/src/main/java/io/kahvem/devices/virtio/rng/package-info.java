/// The entropy device.
/// Called on vCPU threads.
package io.kahvem.devices.virtio.rng;
