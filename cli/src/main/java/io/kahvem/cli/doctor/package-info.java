/// `kahvem doctor`: what this host can do, what is missing, and the command that mends it.
/// Called by the command line, on its thread; changes nothing on the host.
package io.kahvem.cli.doctor;
