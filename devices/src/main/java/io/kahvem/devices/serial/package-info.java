/// Serial lines.
/// Registers are touched on vCPU threads, input arrives on a thread of the host's side.
package io.kahvem.devices.serial;
