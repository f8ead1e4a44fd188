/// The virtqueue of virtio 1.2, the device's side: split and packed rings behind one class.
/// Called by virtio devices on vCPU threads and on their own; a malformed ring ends as device-needs-reset, never as an exception.
package io.kahvem.devices.virtio.queue;
