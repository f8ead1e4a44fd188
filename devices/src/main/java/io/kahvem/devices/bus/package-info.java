/// Routing of port and memory-mapped accesses to devices.
/// Looked up on vCPU threads without a lock; windows are added and removed on any thread.
package io.kahvem.devices.bus;
