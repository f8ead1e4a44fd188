package io.kahvem.host;

/// A socket's descriptor that threads wait on and others close: its number is freed when the last has left, and is nobody else's until
/// then.
final class UsedDescriptor {
    private final Descriptor descriptor;
    private int users;
    private boolean closed;

    UsedDescriptor(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /// False once it is closed; otherwise [#leave] follows.
    synchronized boolean enter() {
        if (closed) return false;
        users++;
        return true;
    }

    synchronized void leave() {
        users--;
        if (closed && users == 0) descriptor.close();
    }

    Descriptor descriptor() {
        return descriptor;
    }

    /// Wakes who waits. True the first time.
    synchronized boolean close() {
        if (closed) return false;
        closed = true;
        SocketCalls.shutdown(descriptor);
        if (users == 0) descriptor.close();
        return true;
    }
}
