/// The console device, with any number of ports.
/// Called on vCPU threads, and by whoever feeds a port.
package io.kahvem.devices.virtio.console;
