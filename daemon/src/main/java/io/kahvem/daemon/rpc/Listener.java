package io.kahvem.daemon.rpc;

import java.io.IOException;

/// A socket that takes connections.
public interface Listener extends AutoCloseable {
    /// Waits for the next connection.
    Link accept() throws IOException;

    /// Ends the wait; removes the socket's file, if it has one.
    @Override
    void close();
}
