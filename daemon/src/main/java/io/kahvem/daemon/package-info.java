/// The daemon whole: its sockets, its state directory and the parts that answer.
/// Started by the command line; safe from any thread.
@NullMarked
package io.kahvem.daemon;

import org.jspecify.annotations.NullMarked;
