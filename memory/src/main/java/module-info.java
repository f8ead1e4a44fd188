/// Guest-physical memory.
module io.kahvem.memory {
    requires transitive io.kahvem.host;

    exports io.kahvem.memory;
}
