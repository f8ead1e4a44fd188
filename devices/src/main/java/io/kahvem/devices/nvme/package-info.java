/// An NVMe controller with one namespace.
/// Doorbells ring on vCPU threads; commands complete on the disk's own.
package io.kahvem.devices.nvme;
