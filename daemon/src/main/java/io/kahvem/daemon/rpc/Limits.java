package io.kahvem.daemon.rpc;

/// What one daemon and one client of it may take (libvirtd.conf's names).
///
/// @param maxClients connections at once; further ones wait to be accepted
/// @param maxClientRequests calls of one client that run at once; further ones wait their turn
/// @param keepaliveSeconds silence after which a client that knows keepalive is pinged
/// @param keepaliveCount unanswered pings after which it is taken for dead
public record Limits(int maxClients, int maxClientRequests, int keepaliveSeconds, int keepaliveCount) {
    public static final Limits DEFAULT = new Limits(5000, 5, 5, 5);
}
