/// The serial console on the standard streams: what the guest prints, what the user types, Ctrl-].
/// Called by `kahvem run`; vCPU threads call [ConsoleOutput], a thread of its own reads the input.
@NullMarked
package io.kahvem.cli.console;

import org.jspecify.annotations.NullMarked;
