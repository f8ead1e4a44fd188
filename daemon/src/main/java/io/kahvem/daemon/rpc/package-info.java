/// The RPC server: connections, calls, events and streams, whatever the calls do.
/// Started by [io.kahvem.daemon.Daemon]; each connection has a virtual thread that reads, each call one that works.
@NullMarked
package io.kahvem.daemon.rpc;

import org.jspecify.annotations.NullMarked;
