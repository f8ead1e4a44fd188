/// Serial ATA: the AHCI host bus adapter, disks and ATAPI drives behind it.
/// Registers are reached on vCPU threads, commands complete on the disks' own.
package io.kahvem.devices.ahci;
