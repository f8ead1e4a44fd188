/// The block device.
/// Requests are taken on vCPU threads and completed on the disk's own.
package io.kahvem.devices.virtio.blk;
