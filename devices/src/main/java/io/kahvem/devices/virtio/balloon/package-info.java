/// The memory balloon: memory that the guest gives back, and what it says of its memory.
/// Called on vCPU threads, and by whoever asks for memory.
package io.kahvem.devices.virtio.balloon;
