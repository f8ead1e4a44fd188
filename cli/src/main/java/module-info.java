/// The command line.
module io.kahvem.cli {
    requires io.kahvem.block;
    requires io.kahvem.daemon;
    requires io.kahvem.host;
    requires io.kahvem.vmm;
    requires info.picocli;
    requires java.logging;
    requires jdk.unsupported;
    requires tools.jackson.core;
    requires static org.jspecify;

    uses io.kahvem.hypervisor.Hypervisor;

    opens io.kahvem.cli to
            info.picocli;
    opens io.kahvem.cli.daemon to
            info.picocli;
    opens io.kahvem.cli.doctor to
            info.picocli;
    opens io.kahvem.cli.image to
            info.picocli;
    opens io.kahvem.cli.run to
            info.picocli;
}
