/// The command line.
module io.kahvem.cli {
    requires io.kahvem.vmm;
    requires static org.jspecify;
}
