/// The engine on /dev/kvm.
module io.kahvem.kvm {
    requires io.kahvem.apic;
    requires io.kahvem.hypervisor;

    provides io.kahvem.hypervisor.Hypervisor with
            io.kahvem.kvm.KvmHypervisor;
}
