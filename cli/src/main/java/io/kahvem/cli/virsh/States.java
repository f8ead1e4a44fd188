package io.kahvem.cli.virsh;

import io.kahvem.libvirt.protocol.Domains;
import java.util.List;

/// How machines' states are called (virDomainState and its reasons).
final class States {
    private static final List<String> NAMES =
            List.of("no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended");
    private static final List<List<String>> REASONS = List.of(
            List.of("unknown"),
            List.of("unknown", "booted", "migrated", "restored", "from snapshot", "unpaused", "migration canceled", "save canceled",
                    "event wakeup", "crashed", "post-copy", "post-copy failed"),
            List.of("unknown"),
            List.of("unknown", "user", "migrating", "saving", "dumping", "I/O error", "watchdog", "from snapshot", "shutting down",
                    "creating snapshot", "crashed", "starting up", "post-copy", "post-copy failed", "api error"),
            List.of("unknown", "user"),
            List.of("unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from snapshot", "daemon"),
            List.of("unknown", "panicked"),
            List.of("unknown"));

    private States() {}

    static String name(int state) {
        return Lines.at(NAMES, state, "no state");
    }

    static String reason(Domains.State state) {
        return state.state() < 0 || state.state() >= REASONS.size()
                ? "unknown" : Lines.at(REASONS.get(state.state()), state.reason(), "unknown");
    }
}
