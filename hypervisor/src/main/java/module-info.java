/// The seam: what an engine is, and nothing of how it works.
module io.kahvem.hypervisor {
    requires transitive io.kahvem.memory;

    exports io.kahvem.hypervisor;
}
