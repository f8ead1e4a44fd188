/// ACPI tables, made as bytes for the machine to put into guest memory before it starts.
/// Called once, while a machine is assembled; no threads, no state.
package io.kahvem.devices.acpi;
