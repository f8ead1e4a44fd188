/// Machine: assembly, boot, run.
module io.kahvem.vmm {
    requires transitive io.kahvem.config;
    requires transitive io.kahvem.hypervisor;
    requires io.kahvem.devices;

    exports io.kahvem.vmm;

    uses io.kahvem.hypervisor.Hypervisor;
}
