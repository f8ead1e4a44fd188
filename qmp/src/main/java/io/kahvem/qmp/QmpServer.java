package io.kahvem.qmp;

import io.kahvem.host.LocalServerSocket;
import io.kahvem.host.LocalSocket;
import org.jspecify.annotations.Nullable;

/// A control socket: clients one after the other, as QEMU's `-qmp unix:PATH,server=on,wait=off`; who connects meanwhile waits.
///
/// A thread of its own (`qmp`) carries out what clients ask. Any thread closes.
public final class QmpServer implements AutoCloseable {
    /// How long a client may take to read its last replies and events.
    private static final long PATIENCE_MILLIS = 1_000;

    private final QmpService service;
    private final LocalServerSocket socket;
    private @Nullable QmpSession session;
    private boolean closed;

    /// Takes over `socket`, and starts.
    public QmpServer(QmpService service, LocalServerSocket socket) {
        this.service = service;
        this.socket = socket;
        Thread.ofPlatform().daemon().name("qmp").start(this::serve);
    }

    private void serve() {
        for (LocalSocket client; (client = socket.accept()) != null; ) {
            QmpSession next = new QmpSession(service, client);
            if (begin(next)) {
                next.run();
            } else {
                next.close(0);
            }
        }
    }

    private synchronized boolean begin(QmpSession next) {
        session = next;
        return !closed;
    }

    /// Ends the client's session, with what it is owed written if it reads, and takes no other.
    @Override
    public void close() {
        @Nullable QmpSession last;
        synchronized (this) {
            closed = true;
            last = session;
        }
        socket.close();
        if (last != null) last.close(PATIENCE_MILLIS);
    }
}
