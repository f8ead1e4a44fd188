/// The engine on /dev/kvm: the kernel runs the vCPUs, this package drives them by ioctl.
/// Found by ServiceLoader; a vCPU's methods run on its own thread, a VM's on any.
package io.kahvem.kvm;
