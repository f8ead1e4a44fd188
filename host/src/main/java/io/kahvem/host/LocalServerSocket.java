package io.kahvem.host;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Listens for connections of this host's processes on a socket of the UNIX family, under a file's name.
public interface LocalServerSocket extends AutoCloseable {
    /// Makes the socket and its file; takes the place of one that a dead process left. Throws [HostException] where somebody listens there,
    /// or the file is something else.
    static LocalServerSocket listen(Path path) {
        return LocalSocket.passesDescriptors() ? LinuxServerSocket.listen(path) : ChannelServerSocket.listen(path);
    }

    /// One that whoever started this process has made, and handed on as a descriptor. Throws [HostException] where it is no such socket.
    static LocalServerSocket adopt(int descriptor) {
        return LinuxServerSocket.adopt(descriptor);
    }

    Path path();

    /// Waits for the next connection; null once it is closed. One thread.
    @Nullable LocalSocket accept();

    /// Ends a wait for a connection, and removes the file if it was made here and the process may. Any thread.
    @Override
    void close();

    /// The same, without the file, which may be another's by now.
    void leave();
}
