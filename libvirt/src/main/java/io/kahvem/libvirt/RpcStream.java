package io.kahvem.libvirt;

import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.Status;
import io.kahvem.libvirt.rpc.StreamHole;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// A stream of bytes both ways, in one call's name. One thread reads and one writes. Closing it before [#finish] gives it up.
public final class RpcStream implements AutoCloseable {
    private final RpcClient client;
    private final Header header;
    private final AtomicBoolean ended = new AtomicBoolean();

    RpcStream(RpcClient client, Procedure<?, ?> procedure, int serial) {
        this.client = client;
        this.header = Header.of(procedure.program().number(), procedure.number(), MessageType.STREAM, serial, Status.CONTINUE);
    }

    /// Sends bytes; waits while the daemon is behind.
    public void write(byte[] octets, int offset, int length) {
        int at = offset;
        while (at < offset + length) {
            int count = Math.min(offset + length - at, Packet.STREAM_CHUNK);
            client.write(Packet.encode(header, octets, at, count));
            at += count;
        }
    }

    /// The next bytes, or null once the daemon has sent all. Throws what the daemon ends the stream with.
    public byte @Nullable [] read() {
        Packet packet = next();
        return packet.payload().length == 0 || packet.header().status() == Status.OK ? null : packet.payload();
    }

    /// A piece of a stream whose holes are told.
    public sealed interface Part {}

    public record Data(byte[] octets) implements Part {}

    /// @param length bytes that read as zeros
    public record Hole(long length) implements Part {}

    /// As [#read], of a stream that was asked for with its holes.
    public @Nullable Part readPart() {
        Packet packet = next();
        if (packet.header().messageType().orElse(MessageType.STREAM) == MessageType.STREAM_HOLE) {
            return new Hole(packet.decode(StreamHole.CODEC).lengthBytes());
        }
        return packet.payload().length == 0 || packet.header().status() == Status.OK ? null : new Data(packet.payload());
    }

    /// Leaves out bytes that are zeros, in a stream that was asked for with holes.
    public void writeHole(long length) {
        client.write(Packet.encode(header.answer(MessageType.STREAM_HOLE, Status.CONTINUE), StreamHole.CODEC, new StreamHole(length, 0)));
    }

    private Packet next() {
        try {
            Packet packet = client.nextOf(header.serial());
            if (packet.header().status() == Status.ERROR) {
                ended.set(true);
                client.forget(header.serial());
                throw packet.decode(ErrorMessage.CODEC).toException();
            }
            return packet;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConnectionLostException("interrupted while reading a stream", e);
        }
    }

    /// Ends the stream: all is sent, or all is read. Returns when the daemon has what was sent safe where it belongs.
    public void finish() {
        if (!ended.compareAndSet(false, true)) return;
        client.write(Packet.encode(header.answer(MessageType.STREAM, Status.OK), new byte[0], 0, 0));
        try {
            while (next().header().status() != Status.OK) continue;
        } finally {
            client.forget(header.serial());
        }
    }

    @Override
    public void close() {
        if (!ended.compareAndSet(false, true)) return;
        client.forget(header.serial());
        if (client.isOpen()) client.write(Packet.encode(header.answer(MessageType.STREAM, Status.ERROR), new byte[0], 0, 0));
    }
}
