package io.kahvem.daemon.domain;

import java.nio.file.Path;

/// Starts machines' processes and finds those that run.
public interface MachineLauncher {
    /// Starts a machine that is not paused only by [MachineProcess#resume], and tells `listener` of what happens to it from now on.
    /// Throws [io.kahvem.libvirt.LibvirtException] with nothing left behind.
    ///
    /// @param directory for its socket and log
    MachineProcess start(DomainDefinition definition, Path directory, Listener listener);

    /// One that another daemon started, by its number and its start. Throws [io.kahvem.libvirt.LibvirtException] where it is gone. Does
    /// not wait for it to answer: what is asked of it does, and fails where it does not.
    MachineProcess find(long pid, long startTicks, DomainDefinition definition, Path directory, Listener listener);

    /// Ends what an interrupted start left of a machine, and removes its socket: nobody was told yet that it runs.
    void sweep(DomainDefinition definition, Path directory);

    /// What a machine's process tells, on a thread of its own, in the order it happens.
    interface Listener {
        void paused();

        void resumed();

        void reset();

        /// @param byGuest whether the guest switched itself off, or a user of the host did
        void shutdown(boolean byGuest);

        void balloonChanged(long kib);

        void trayMoved(String alias, boolean open);

        /// The process is gone: for no good, if it has told of no [#shutdown] before.
        void ended();
    }
}
