package io.kahvem.host;

import org.jspecify.annotations.Nullable;

/// The terminal of a file descriptor, asked for when it is first needed: linking the C library's calls takes a good part of a short
/// command's time.
final class LazyTerminal implements Terminal {
    private final int fd;

    /// Set once, under this object's monitor; read without it, so that restoring never waits.
    private volatile @Nullable Terminal found;

    LazyTerminal(int fd) {
        this.fd = fd;
    }

    @Override
    public boolean isTerminal() {
        return terminal().isTerminal();
    }

    @Override
    public void raw() {
        terminal().raw();
    }

    @Override
    public void restore() {
        Terminal used = found;
        if (used != null) used.restore();
    }

    private Terminal terminal() {
        Terminal known = found;
        if (known != null) return known;
        synchronized (this) {
            if (found == null) found = TermiosTerminal.of(fd);
            return found;
        }
    }
}
