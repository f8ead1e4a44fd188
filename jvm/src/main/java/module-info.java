/// The x86-64 engine in Java.
module io.kahvem.jvm {
    requires io.kahvem.apic;
    requires io.kahvem.hypervisor;

    provides io.kahvem.hypervisor.Hypervisor with
            io.kahvem.jvm.JvmHypervisor;
}
