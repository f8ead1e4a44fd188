package io.kahvem.jvm.cpu;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/// Random numbers fit for keys, of which RDRAND and RDSEED give their guests: the host kernel's where it offers them as a file, else the
/// JDK's. (The JDK's security providers cost tens of milliseconds at the start.) Any thread.
public final class Entropy {
    private final ByteBuffer buffer = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN).limit(0);
    private final @Nullable InputStream kernel;
    private @Nullable SecureRandom random;

    public Entropy() {
        InputStream stream = null;
        try {
            File device = new File("/dev/urandom");
            if (device.canRead()) stream = new FileInputStream(device);
        } catch (IOException unreadable) {
            stream = null; // the JDK's own generator is as good
        }
        kernel = stream;
    }

    public synchronized long next() {
        if (!buffer.hasRemaining()) refill();
        return buffer.getLong();
    }

    private void refill() {
        buffer.clear();
        try {
            if (kernel != null && kernel.readNBytes(buffer.array(), 0, buffer.capacity()) == buffer.capacity()) return;
        } catch (IOException e) {
            // the JDK's own generator takes over
        }
        if (random == null) random = new SecureRandom();
        random.nextBytes(buffer.array());
    }
}
