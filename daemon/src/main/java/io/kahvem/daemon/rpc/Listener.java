package io.kahvem.daemon.rpc;

import java.io.IOException;

/// A socket that takes connections.
public interface Listener extends AutoCloseable {
    /// Waits for the next connection.
    Link accept() throws IOException;

    /// Whether whoever waits for connections, or reads from one, needs a thread of the operating system.
    default boolean waitsInTheKernel() {
        return false;
    }

    /// Ends the wait; removes the socket's file, if it has one.
    @Override
    void close();
}
