/// Machines as processes: `kahvem run` with a control socket, and QMP on it.
/// Called by [io.kahvem.daemon.domain] with a domain's job; events come on each machine's own thread.
@NullMarked
package io.kahvem.daemon.machine;

import org.jspecify.annotations.NullMarked;
