package io.kahvem.devices;

/// Where a device's output bytes go. Called under the device's lock, so it neither waits for the guest nor calls the device back.
@FunctionalInterface
public interface ByteSink {
    void put(byte value);

    ByteSink DISCARD = value -> {};
}
