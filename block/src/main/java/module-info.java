/// Disk images: formats, chains, jobs. A library that knows nothing of guests.
module io.kahvem.block {
    requires transitive io.kahvem.host;
    requires static transitive org.jspecify;

    exports io.kahvem.block;
}
