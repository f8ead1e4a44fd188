package io.kahvem.daemon.rpc;

import java.nio.channels.ByteChannel;

/// One connection's bytes, both ways, and who is at its other end.
///
/// @param channel blocking; a read and a write may go on at once
/// @param peer the user, for the audit log: `root`, or a certificate's or SASL's name
/// @param readOnly whether the socket it came by gives no more
/// @param local whether it is a UNIX socket of this host
/// @param secure whether nobody can listen in
/// @param authenticated whether the socket itself has told who it is; otherwise SASL must
public record Link(ByteChannel channel, String peer, boolean readOnly, boolean local, boolean secure, boolean authenticated) {}
