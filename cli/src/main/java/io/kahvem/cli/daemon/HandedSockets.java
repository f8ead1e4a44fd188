package io.kahvem.cli.daemon;

import io.kahvem.cli.CliException;
import io.kahvem.host.HostException;
import io.kahvem.host.LocalServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The sockets that systemd has made for this process and handed on to it (sd_listen_fds(3)).
final class HandedSockets {
    /// Of the first; the others follow.
    private static final int FIRST = 3;

    private HandedSockets() {}

    /// None where the environment says nothing, or speaks of another process. Throws CliException for what is no socket of the UNIX family.
    static List<LocalServerSocket> of(Map<String, String> environment, long pid) {
        List<LocalServerSocket> sockets = new ArrayList<>();
        if (!environment.getOrDefault("LISTEN_PID", "").equals(Long.toString(pid))) return sockets;
        String count = environment.getOrDefault("LISTEN_FDS", "");
        if (!count.matches("[0-9]{1,3}")) throw CliException.badInput("LISTEN_FDS: \"%s\" is no number of descriptors".formatted(count));
        try {
            for (int n = 0; n < Integer.parseInt(count); n++) sockets.add(LocalServerSocket.adopt(FIRST + n));
        } catch (HostException e) {
            throw CliException.badInput("LISTEN_FDS: " + e.getMessage());
        }
        return sockets;
    }
}
