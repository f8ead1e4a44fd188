/// The PC's fixed parts: interrupt controllers, timers, clock, keyboard controller, power management, and their assembly.
/// Called on vCPU threads and on the event loop's.
package io.kahvem.devices.chipset;
