package io.kahvem.jvm.hostcpu;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/// [HostCpu] in a child JVM: what the code raises is reported, and where it takes the process with it the vector is [State#DIED] and a new
/// child serves the next run.
final class ChildHostCpu implements HostCpu {
    private static final int RESTARTS = 10;

    private Process process;
    private DataOutputStream requests;
    private DataInputStream replies;
    private long base;
    private final byte[] buffer = new byte[State.BYTES];

    ChildHostCpu() throws IOException {
        process = start(0);
        requests = new DataOutputStream(new BufferedOutputStream(process.getOutputStream(), 1 << 16));
        replies = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
        base = replies.readLong();
    }

    private static Process start(long hint) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:ErrorFile=/dev/null",
                        "-XX:-CreateCoredumpOnCrash",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        HostCpuChild.class.getName(),
                        Long.toString(hint))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Override
    public long base() {
        return base;
    }

    @Override
    public void run(State in, byte[] code, State out) {
        try {
            requests.writeInt(code.length);
            requests.write(code);
            in.write(buffer);
            requests.write(buffer);
            requests.flush();
            replies.readFully(buffer);
            out.read(buffer);
        } catch (IOException died) {
            out.copyFrom(in);
            out.vector = State.DIED;
            restart();
        }
    }

    /// The new child must have its memory where the old one had it, as the caller's states point into it. Its own mappings are at random
    /// addresses
    /// and may be in the way: another one's will not be.
    private void restart() {
        long wanted = base;
        IOException cause = null;
        for (int attempt = 0; attempt < RESTARTS; attempt++) {
            close();
            try {
                process = start(wanted);
                requests = new DataOutputStream(new BufferedOutputStream(process.getOutputStream(), 1 << 16));
                replies = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
                base = replies.readLong();
                if (base == wanted) return;
            } catch (IOException e) {
                cause = e;
            }
        }
        base = wanted;
        throw new UncheckedIOException("no new child has its memory at %x".formatted(wanted), cause == null ? new IOException() : cause);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
