/// The SCSI host device.
/// Commands are taken on vCPU threads and completed on the disks' own.
package io.kahvem.devices.virtio.scsi;
