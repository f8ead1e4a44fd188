/// Hypervisor, Vm, Vcpu: an engine as the rest of Kahvem sees it.
/// Implemented by `kvm` and `jvm`, called by `vmm`; engines are found by ServiceLoader.
package io.kahvem.hypervisor;
