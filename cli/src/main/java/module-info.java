/// The command line.
module io.kahvem.cli {
    requires io.kahvem.block;
    requires io.kahvem.daemon;
    requires io.kahvem.host;
    requires io.kahvem.qmp;
    requires io.kahvem.vmm;
    requires info.picocli;
    requires io.kahvem.libvirt;
    requires java.logging;
    requires java.xml;
    requires jdk.unsupported;
    requires org.jline.reader;
    requires org.jline.terminal;
    requires tools.jackson.core;
    requires static org.jspecify;

    uses io.kahvem.hypervisor.Hypervisor;

    exports io.kahvem.cli.daemon to
            java.logging;

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
