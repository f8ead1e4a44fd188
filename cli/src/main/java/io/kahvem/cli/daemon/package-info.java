/// `kahvem daemon`: the daemon as a process of this program.
/// Called by [io.kahvem.cli.Main], on the main thread.
@NullMarked
package io.kahvem.cli.daemon;

import org.jspecify.annotations.NullMarked;
