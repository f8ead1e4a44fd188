/// virsh's verbs over our own client: a table of them, from which parsing, help, completion and the shell follow.
/// Called by [io.kahvem.cli.Cli], on the main thread.
@NullMarked
package io.kahvem.cli.virsh;

import org.jspecify.annotations.NullMarked;
