/// SCSI logical units: disk and CD-ROM, for every controller that carries SCSI commands.
/// Called on vCPU threads; completed on the disk's threads, or at once.
package io.kahvem.devices.scsi;
