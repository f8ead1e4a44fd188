/// The daemon that keeps machines: domains, storage and secrets behind libvirt's own protocol.
module io.kahvem.daemon {
    requires io.kahvem.block;
    requires io.kahvem.config;
    requires io.kahvem.host;
    requires io.kahvem.qmp;
    requires transitive io.kahvem.libvirt;
    requires java.management;
    requires jdk.httpserver;
    requires jdk.net;
    requires static transitive org.jspecify;

    exports io.kahvem.daemon;
}
