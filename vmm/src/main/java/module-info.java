/// Machine: assembly, boot, run.
module io.kahvem.vmm {
    requires transitive io.kahvem.config;
    requires transitive io.kahvem.hypervisor;
    requires transitive io.kahvem.devices;
    requires io.kahvem.qmp;
    requires org.tukaani.xz;

    exports io.kahvem.vmm;
    exports io.kahvem.vmm.boot;
    exports io.kahvem.vmm.firmware;

    uses io.kahvem.hypervisor.Hypervisor;
}
