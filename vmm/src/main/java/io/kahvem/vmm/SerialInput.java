package io.kahvem.vmm;

import io.kahvem.devices.serial.Uart16550;

/// The host's end of the serial line, towards the guest. The guest takes bytes when it wants them; until then whoever feeds them waits.
///
/// Lock: this object's monitor, taken before the UART's; the UART calls back without its own.
public final class SerialInput {
    private final Uart16550 uart;
    private boolean closed;

    SerialInput(Uart16550 uart) {
        this.uart = uart;
        uart.onReceiveSpace(this::wake);
    }

    /// Gives the guest these bytes, waiting until it has taken them all; false if the machine ended before that. Any thread but a vCPU's.
    public synchronized boolean feed(byte[] bytes, int offset, int length) throws InterruptedException {
        for (int i = offset; i < offset + length; i++) {
            while (!closed && !uart.receive(bytes[i])) wait();
            if (closed) return false;
        }
        return true;
    }

    private synchronized void wake() {
        notifyAll();
    }

    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
