/// QMP, QEMU's machine protocol: its schema, a server, a client.
module io.kahvem.qmp {
    requires transitive io.kahvem.host;
    requires tools.jackson.core;

    exports io.kahvem.qmp;
    exports io.kahvem.qmp.json;
    exports io.kahvem.qmp.schema;
}
