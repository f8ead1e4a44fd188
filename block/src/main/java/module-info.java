/// Disk images: formats, chains, jobs. A library that knows nothing of guests.
module io.kahvem.block {
    requires transitive io.kahvem.host;
    requires aircompressor;
    requires jdk.unsupported; // what aircompressor reaches memory by
    requires static transitive org.jspecify;

    exports io.kahvem.block;
    exports io.kahvem.block.job;
    exports io.kahvem.block.nbd;
    exports io.kahvem.block.qcow2;
    exports io.kahvem.block.table;
    exports io.kahvem.block.tool;
}
