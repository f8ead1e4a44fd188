/// The command line: verbs, exit statuses, and the only code that touches System.exit, standard streams, signals and shutdown hooks.
/// Called by the launcher, on the main thread.
@NullMarked
package io.kahvem.cli;

import org.jspecify.annotations.NullMarked;
