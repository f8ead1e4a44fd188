/// Validated records of a machine: what flags become.
module io.kahvem.config {
    requires static org.jspecify;

    exports io.kahvem.config;
}
