/// What SeaBIOS and OVMF find on an emulated board: the configuration device and the files in it, the debug port, flash memory.
/// Called on vCPU threads.
package io.kahvem.devices.firmware;
