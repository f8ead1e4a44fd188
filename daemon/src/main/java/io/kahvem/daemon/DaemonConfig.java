package io.kahvem.daemon;

import io.kahvem.daemon.rpc.Limits;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// Where a daemon is found and where it keeps its state.
///
/// @param socket the UNIX socket that gives everything
/// @param readOnlySocket the one that only reads
/// @param state directory of definitions, kept over restarts of the host
/// @param runtime directory of what runs, gone with the host
/// @param group whose members may use the sockets; without one only the daemon's own user may use the first
/// @param uri the driver's name, for clients that give none
/// @param emulator what `<emulator>` says
/// @param starter starts machines' processes
public record DaemonConfig(
        Path socket, Path readOnlySocket, Path state, Path runtime, Optional<String> group, String uri, Path emulator,
        MachineStarter starter, Limits limits) {

    /// The daemon of the system where root starts it, else of its user (libvirt's own paths, so that clients find it).
    public static DaemonConfig standard(boolean root, Map<String, String> environment, Path emulator, MachineStarter starter) {
        if (root) {
            Path run = Path.of("/run/libvirt");
            return new DaemonConfig(run.resolve("libvirt-sock"), run.resolve("libvirt-sock-ro"), Path.of("/var/lib/kahvem"),
                    Path.of("/run/kahvem"), Optional.empty(), "qemu:///system", emulator, starter, Limits.DEFAULT);
        }
        String home = environment.getOrDefault("HOME", "/");
        Path run = Path.of(environment.getOrDefault("XDG_RUNTIME_DIR", home + "/.cache"));
        Path data = Path.of(environment.getOrDefault("XDG_DATA_HOME", home + "/.local/share"));
        return new DaemonConfig(run.resolve("libvirt/libvirt-sock"), run.resolve("libvirt/libvirt-sock-ro"), data.resolve("kahvem"),
                run.resolve("kahvem"), Optional.empty(), "qemu:///session", emulator, starter, Limits.DEFAULT);
    }

    /// A private one beside it, whose read-only socket and runtime directory stand beside its own.
    public DaemonConfig at(Path socket, Path state) {
        return new DaemonConfig(socket, socket.resolveSibling(socket.getFileName() + "-ro"), state, state.resolve("run"), group, uri,
                emulator, starter, limits);
    }

    public DaemonConfig withGroup(Optional<String> group) {
        return new DaemonConfig(socket, readOnlySocket, state, runtime, group, uri, emulator, starter, limits);
    }
}
