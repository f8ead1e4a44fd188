/// The VGA card: registers, video memory, Bochs' display interface, and the screen as text.
/// Called on vCPU threads; what is shown may be asked for on any.
package io.kahvem.devices.vga;
