package io.kahvem.libvirt.rpc;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/// Takes packets from a connection, by their length alone: a peer may send them in any pieces. For one thread.
public final class PacketReader {
    /// What is kept between packets at most; most connections never need more than the first.
    private static final int BUFFER_BYTES = 64 << 10;

    private static final int FIRST_BYTES = 4 << 10;

    private final ReadableByteChannel channel;
    private ByteBuffer buffer = ByteBuffer.allocate(FIRST_BYTES).flip();

    public PacketReader(ReadableByteChannel channel) {
        this.channel = channel;
    }

    /// The next packet, or null where the peer ended the connection between two. Throws [ProtocolException] for a length that is none
    /// before it makes room for it.
    public @Nullable Packet read() throws IOException {
        if (!fill(4)) return null;
        int length = buffer.getInt(buffer.position());
        if (length < Packet.HEADER_BYTES || length > Packet.MAX_BYTES) {
            throw new ProtocolException("a packet of %d bytes: from %d to %d are allowed"
                    .formatted(Integer.toUnsignedLong(length), Packet.HEADER_BYTES, Packet.MAX_BYTES));
        }
        if (!fill(length)) throw new EOFException("the connection ended within a packet");
        buffer.getInt();
        Header header = new Header(
                buffer.getInt(), buffer.getInt(), buffer.getInt(), buffer.getInt(), buffer.getInt(), buffer.getInt());
        byte[] payload = new byte[length - Packet.HEADER_BYTES];
        buffer.get(payload);
        if (!buffer.hasRemaining() && buffer.capacity() > BUFFER_BYTES) buffer = ByteBuffer.allocate(BUFFER_BYTES).flip();
        return new Packet(header, payload);
    }

    /// Passes over octets between two packets, which descriptors came with. Throws EOFException where the connection ends before.
    public void skip(int octets) throws IOException {
        if (octets > 0 && !fill(octets)) throw new EOFException("the connection ended before the descriptors of a packet");
        buffer.position(buffer.position() + octets);
    }

    /// Whether so many octets are there; false only where the connection ended before the first of them.
    private boolean fill(int count) throws IOException {
        while (buffer.remaining() < count) {
            if (buffer.capacity() - buffer.position() < count) makeRoom(count);
            int before = buffer.position();
            buffer.position(buffer.limit()).limit(buffer.capacity());
            int read;
            try {
                read = channel.read(buffer);
            } finally {
                buffer.limit(buffer.position()).position(before);
            }
            if (read < 0) {
                if (buffer.hasRemaining()) throw new EOFException("the connection ended within a packet");
                return false;
            }
        }
        return true;
    }

    /// A large packet's buffer grows with what has arrived, so that a length alone takes no memory.
    private void makeRoom(int count) {
        int wanted = Math.min(count, Math.max(BUFFER_BYTES, 2 * buffer.capacity()));
        if (buffer.capacity() >= wanted && buffer.position() > 0) {
            buffer.compact().flip();
            if (buffer.capacity() - buffer.position() >= count || buffer.limit() < buffer.capacity()) return;
            wanted = Math.min(count, 2 * buffer.capacity());
        }
        buffer = ByteBuffer.allocate(wanted).put(buffer).flip();
    }
}
