/// Packets: how calls, answers, events and streams stand on a connection (virnetprotocol.x).
/// Used by the client and the daemon; a [io.kahvem.libvirt.rpc.PacketReader] is for one thread, the rest for any.
@NullMarked
package io.kahvem.libvirt.rpc;

import org.jspecify.annotations.NullMarked;
