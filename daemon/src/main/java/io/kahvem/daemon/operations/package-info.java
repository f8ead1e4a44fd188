/// What those who run the daemon look at: who did what, and how much of it there is.
/// Called by the server on the threads of calls; [io.kahvem.daemon.operations.MetricsServer] has one of its own.
@NullMarked
package io.kahvem.daemon.operations;

import org.jspecify.annotations.NullMarked;
