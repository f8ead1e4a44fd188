package io.kahvem.cli.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class ConsoleOutputTest {
    private final ConsoleOutput console = new ConsoleOutput();

    @Test
    void writesAllBytesInOrderWithFarFewerWritesThanBytes() {
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        AtomicInteger writes = new AtomicInteger();
        console.start(new OutputStream() {
            @Override
            public void write(int value) {
                throw new AssertionError("one byte at a time");
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                writes.incrementAndGet();
                written.write(bytes, offset, length);
            }
        });
        int total = 1_000_000;
        for (int i = 0; i < total; i++) console.put((byte) (i * 7));
        console.close();
        byte[] bytes = written.toByteArray();
        assertThat(bytes).hasSize(total);
        for (int i = 0; i < total; i++) if (bytes[i] != (byte) (i * 7)) throw new AssertionError("byte " + i);
        assertThat(writes.get()).isLessThan(total / 100);
    }

    @Test
    void aLoneByteIsWrittenWithoutWaitingForMore() throws InterruptedException {
        CountDownLatch written = new CountDownLatch(1);
        console.start(new OutputStream() {
            @Override
            public void write(int value) {
                written.countDown();
            }
        });
        console.put((byte) 'x');
        written.await();
        console.close();
    }

    @Test
    void discardsOnceTheStreamFails() {
        console.start(new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                throw new IOException("Broken pipe");
            }
        });
        for (int i = 0; i < 3 * ConsoleOutput.CAPACITY; i++) console.put((byte) 'x');
        console.close();
        assertThat(console.failure()).get().extracting(IOException::getMessage).isEqualTo("Broken pipe");
    }

    @Test
    void holdsTheGuestUpOnlyUntilToldNeverToWait() throws InterruptedException {
        Thread guest = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 2 * ConsoleOutput.CAPACITY; i++) console.put((byte) 'x');
        });
        while (guest.getState() != Thread.State.WAITING) Thread.onSpinWait();
        console.neverWait();
        guest.join();
    }
}
