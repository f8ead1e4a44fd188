/// Machines: their descriptions, their life and their processes.
/// Called by the procedures of [io.kahvem.daemon.service] on calls' threads, and by their own processes' monitors.
@NullMarked
package io.kahvem.daemon.domain;

import org.jspecify.annotations.NullMarked;
