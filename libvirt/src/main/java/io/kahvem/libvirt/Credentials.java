package io.kahvem.libvirt;

import java.util.Optional;

/// Who asks, for a daemon that wants to know.
@FunctionalInterface
public interface Credentials {
    /// A name and its password.
    record Password(String user, char[] password) {}

    /// Asked once, where the daemon wants a password; empty gives up.
    Optional<Password> password();

    /// Nobody in particular: enough for UNIX sockets and certificates.
    static Credentials none() {
        return Optional::empty;
    }

    static Credentials of(String user, char[] password) {
        return () -> Optional.of(new Password(user, password.clone()));
    }
}
