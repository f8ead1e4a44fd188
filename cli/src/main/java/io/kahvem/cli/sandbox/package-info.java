/// What `--sandbox` says: a virtual machine's process gives up all files and system calls but those it needs.
/// Called by `kahvem run`, on the main thread.
@NullMarked
package io.kahvem.cli.sandbox;

import org.jspecify.annotations.NullMarked;
