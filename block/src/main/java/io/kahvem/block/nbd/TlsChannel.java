package io.kahvem.block.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;

/// A connection by TLS. One thread reads at a time, and any number write.
///
/// Lock: `sending` for what goes out, which the reading thread takes for the protocol's own messages.
final class TlsChannel implements ByteChannel {
    private static final int RECORDS_AT_ONCE = 4;
    private static final ByteBuffer[] NOTHING = {ByteBuffer.allocate(0)};

    private final SocketChannel channel;
    private final SSLEngine engine;
    private final ReentrantLock sending = new ReentrantLock();
    /// As it came; what is between position and limit has not been looked at.
    private final ByteBuffer received;
    /// What nobody has read yet.
    private ByteBuffer plain;
    private final ByteBuffer outgoing;

    private TlsChannel(SocketChannel channel, SSLEngine engine) {
        this.channel = channel;
        this.engine = engine;
        int record = engine.getSession().getPacketBufferSize();
        received = ByteBuffer.allocateDirect(RECORDS_AT_ONCE * record).flip();
        outgoing = ByteBuffer.allocateDirect(RECORDS_AT_ONCE * record);
        plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize()).flip();
    }

    /// Throws [SSLException] where the two sides do not trust each other; the other side is told why.
    static TlsChannel handshake(SocketChannel channel, SSLEngine engine) throws IOException {
        TlsChannel tls = new TlsChannel(channel, engine);
        engine.beginHandshake();
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_WRAP -> tls.write(NOTHING);
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    if (!tls.receive()) throw new SSLException("the connection was closed during the TLS handshake");
                }
                case NEED_TASK -> tls.runTasks();
                case FINISHED, NOT_HANDSHAKING -> {
                    return tls;
                }
            }
        }
    }

    private void runTasks() {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) task.run();
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        while (!plain.hasRemaining()) if (!receive()) return -1;
        int count = Math.min(into.remaining(), plain.remaining());
        into.put(plain.slice(plain.position(), count));
        plain.position(plain.position() + count);
        return count;
    }

    /// Takes one record, which may have no bytes for us. False where the other side has ended.
    private boolean receive() throws IOException {
        while (true) {
            plain.compact();
            SSLEngineResult result;
            try {
                result = engine.unwrap(received, plain);
            } catch (SSLException e) {
                tellWhy();
                throw e;
            } finally {
                plain.flip();
            }
            switch (result.getStatus()) {
                case OK -> {
                    if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) runTasks();
                    // Asked for by the other side after the handshake: an update of keys.
                    else if (result.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) write(NOTHING);
                    return true;
                }
                case CLOSED -> {
                    return false;
                }
                case BUFFER_UNDERFLOW -> {
                    received.compact();
                    int count = channel.read(received);
                    received.flip();
                    if (count < 0) return false;
                }
                case BUFFER_OVERFLOW -> {
                    ByteBuffer larger = ByteBuffer.allocate(plain.remaining() + engine.getSession().getApplicationBufferSize());
                    plain = larger.put(plain).flip();
                }
            }
        }
    }

    /// The alert that a failure has left to be sent, as far as it can be.
    private void tellWhy() {
        try {
            write(NOTHING);
        } catch (IOException e) {
            return; // the failure is told by itself
        }
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return (int) write(new ByteBuffer[] {from});
    }

    /// All of it.
    long write(ByteBuffer[] from) throws IOException {
        long total = 0;
        for (ByteBuffer part : from) total += part.remaining();
        sending.lock();
        try {
            long left = total;
            do {
                SSLEngineResult result = engine.wrap(from, outgoing);
                boolean stuck = left > 0 && result.bytesConsumed() + result.bytesProduced() == 0;
                if (stuck && result.getStatus() != Status.BUFFER_OVERFLOW) {
                    throw new SSLException("the connection was closed, or is to be negotiated anew");
                }
                left -= result.bytesConsumed();
                boolean full = outgoing.remaining() < engine.getSession().getPacketBufferSize();
                if (full || left == 0 || result.getStatus() == Status.BUFFER_OVERFLOW) send();
                if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) runTasks();
            } while (left > 0);
            return total;
        } finally {
            sending.unlock();
        }
    }

    private void send() throws IOException {
        outgoing.flip();
        try {
            while (outgoing.hasRemaining()) channel.write(outgoing);
        } finally {
            outgoing.clear();
        }
    }

    /// Tells the other side that nothing follows.
    void finish() throws IOException {
        sending.lock();
        try {
            engine.closeOutbound();
            write(NOTHING);
        } finally {
            sending.unlock();
        }
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
