package io.kahvem.devices.firmware;

import io.kahvem.devices.ByteSink;
import io.kahvem.devices.IoDevice;

/// The port that firmware writes its messages to; it reads as 0xe9 where it is fitted.
public final class DebugPort implements IoDevice {
    public static final int PORT = 0x402;

    private static final int FITTED = 0xe9;

    private final ByteSink out;

    public DebugPort(ByteSink out) {
        this.out = out;
    }

    @Override
    public int widestAccess() {
        return 1;
    }

    @Override
    public long read(long offset, int size) {
        return FITTED;
    }

    @Override
    public synchronized void write(long offset, int size, long value) {
        out.put((byte) value);
    }
}
