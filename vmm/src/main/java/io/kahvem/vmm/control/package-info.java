/// A machine's control sockets: what each QMP command does to the machine, and which events it tells.
/// Made by [io.kahvem.vmm.Machine]; commands come on the sessions' threads, events on the machine's.
@NullMarked
package io.kahvem.vmm.control;

import org.jspecify.annotations.NullMarked;
