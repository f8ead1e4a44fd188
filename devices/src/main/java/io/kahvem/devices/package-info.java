/// The seam of the device models: windows of registers, interrupt outputs, the bus that routes between them.
/// Called on vCPU threads and the event loop's; never calls an engine.
package io.kahvem.devices;
