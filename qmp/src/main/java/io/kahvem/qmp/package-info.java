/// QMP's server and client: sessions on UNIX sockets, commands to handlers, replies and events back.
/// Called by `vmm` and `cli` for a machine, by `daemon` and tests as a client; a session has threads of its own.
@NullMarked
package io.kahvem.qmp;

import org.jspecify.annotations.NullMarked;
