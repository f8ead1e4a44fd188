package io.kahvem.cli.virsh;

import org.jspecify.annotations.Nullable;

/// A verb failed, in virsh's words. Where the daemon said why, its words follow on a line of their own.
final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;

    Failure(String message) {
        super(message);
    }

    Failure(String message, @Nullable RuntimeException why) {
        super(message, why);
    }
}
