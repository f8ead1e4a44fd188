package io.kahvem.devices.virtio.console;

/// The host's end of a port, towards the host. Called on vCPU threads under the device's lock: it calls the device back nothing.
public interface PortSink {
    void write(byte[] bytes, int offset, int length);

    /// A program in the guest has opened the port, or closed it.
    default void guestOpened(boolean open) {}
}
