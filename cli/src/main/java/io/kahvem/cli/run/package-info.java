/// `kahvem run`: one machine in the foreground, from its options to its exit status.
/// Called by [io.kahvem.cli.Main], on the main thread.
@NullMarked
package io.kahvem.cli.run;

import org.jspecify.annotations.NullMarked;
