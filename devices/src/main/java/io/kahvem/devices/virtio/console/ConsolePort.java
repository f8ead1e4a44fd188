package io.kahvem.devices.virtio.console;

/// A port of a [VirtioConsole].
///
/// @param name what the guest finds it by (/dev/virtio-ports/NAME on Linux); may be empty
/// @param console whether the guest is to make a console of it (hvc0 on Linux)
public record ConsolePort(String name, boolean console, PortSink sink) {}
