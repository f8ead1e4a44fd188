package io.kahvem.daemon.rpc;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Procedure;
import org.jspecify.annotations.Nullable;

/// What is told of every call once it is done, on the call's thread.
@FunctionalInterface
public interface CallObserver {
    /// @param arguments null where they could not be decoded
    /// @param result null where the call failed
    /// @param error null where it did not
    record Done(
            Client client, Procedure<?, ?> procedure, @Nullable Record arguments, @Nullable Record result, @Nullable LibvirtException error,
            long nanos) {}

    void done(Done call);
}
