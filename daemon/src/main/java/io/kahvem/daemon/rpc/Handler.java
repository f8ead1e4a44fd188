package io.kahvem.daemon.rpc;

/// What a procedure does. On a virtual thread of the call's own; throws [io.kahvem.libvirt.LibvirtException] to answer with an error.
@FunctionalInterface
public interface Handler<A extends Record, R extends Record> {
    R call(Call call, A arguments);
}
