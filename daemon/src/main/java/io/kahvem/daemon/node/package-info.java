/// The host: its processors, memory, devices and interfaces, and what machines it can run.
/// Read from /proc and /sys when asked, on calls' threads.
@NullMarked
package io.kahvem.daemon.node;

import org.jspecify.annotations.NullMarked;
