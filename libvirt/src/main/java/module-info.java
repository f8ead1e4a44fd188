/// libvirt's protocol, described once in tables, and a client that speaks it in pure Java.
module io.kahvem.libvirt {
    requires static transitive org.jspecify;

    exports io.kahvem.libvirt;
    exports io.kahvem.libvirt.protocol;
    exports io.kahvem.libvirt.rpc;
    exports io.kahvem.libvirt.xdr;
}
