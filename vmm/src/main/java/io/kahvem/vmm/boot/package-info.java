/// Direct boot: puts a Linux bzImage, an ELF with a PVH note or a Multiboot 1 kernel into guest memory and says where the bootstrap
/// processor starts. Called by [io.kahvem.vmm.Machine] before its vCPUs run; what a file has wrong is told by a BootException.
package io.kahvem.vmm.boot;
