/// The command line.
module io.kahvem.cli {
    requires io.kahvem.vmm;
    requires info.picocli;
    requires tools.jackson.core;
    requires static org.jspecify;

    uses io.kahvem.hypervisor.Hypervisor;

    opens io.kahvem.cli.doctor to
            info.picocli;
}
