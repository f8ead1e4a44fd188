package io.kahvem.host;

import java.nio.file.Path;
import java.util.List;

/// A connection between two processes of this host: a stream socket of the UNIX family (unix(7)). One thread reads and one writes at a
/// time; any may close.
///
/// Where the host's calls are not known ([#passesDescriptors]) it is Java's own, without descriptors.
public interface LocalSocket extends AutoCloseable {
    /// The longest name of a socket's file, in bytes: sun_path without its NUL.
    int MAX_PATH_BYTES = 107;

    /// Connects to the socket of this name. Throws [HostException] where nobody listens there.
    static LocalSocket connect(Path path) {
        return passesDescriptors() ? LinuxSocket.connect(path) : ChannelSocket.connect(path);
    }

    /// Links the calls that connections and listening take, which is a tenth of a second of a start: for a thread that has nothing else
    /// to do then.
    static void prepare() {
        if (passesDescriptors()) SystemCall.prepare();
    }

    /// Whether descriptors can be passed on this host.
    static boolean passesDescriptors() {
        return Platform.hasLinuxCalls();
    }

    /// Waits for bytes and gives their number, at least 1; -1 once the other side or this one has closed.
    int read(byte[] into, int offset, int length);

    /// Writes all of it, waiting for the other side to read. Throws [HostException] once the other side or this one has closed.
    default void write(byte[] bytes, int offset, int length) {
        write(bytes, offset, length, List.of());
    }

    /// The same, passing descriptors (SCM_RIGHTS) with the first byte, of which there is one at least. They stay the caller's.
    /// Throws UnsupportedOperationException for some where none can be passed.
    void write(byte[] bytes, int offset, int length, List<Descriptor> descriptors);

    /// The descriptors that came with what was read so far, and not taken yet. They are the caller's now.
    List<Descriptor> takeDescriptors();

    /// The name of the user at the other end, as the kernel tells; its number where it has no name.
    String peer();

    /// Ends both directions: a thread that reads or writes returns. Descriptors not taken are closed.
    @Override
    void close();
}
