package io.kahvem.devices;

/// Where message-signalled interrupts go. Any thread.
@FunctionalInterface
public interface MsiSink {
    void send(long address, int data);
}
