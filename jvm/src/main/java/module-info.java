/// The x86-64 engine in Java.
module io.kahvem.jvm {
    requires io.kahvem.apic;
    requires io.kahvem.hypervisor;
    requires jdk.jfr;

    provides io.kahvem.hypervisor.Hypervisor with
            io.kahvem.jvm.JvmHypervisor;
}
