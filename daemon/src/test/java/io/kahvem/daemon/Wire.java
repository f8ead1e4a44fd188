package io.kahvem.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.PacketReader;
import io.kahvem.libvirt.rpc.Status;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;

/// A connection as a client has it: raw packets.
final class Wire implements AutoCloseable {
    private final SocketChannel channel;
    final PacketReader reader;
    private int serial;

    Wire(Path socket) throws IOException {
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        reader = new PacketReader(channel);
    }

    void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) channel.write(bytes);
    }

    Packet read() throws IOException {
        Packet packet = reader.read();
        if (packet == null) throw new IOException("closed");
        return packet;
    }

    <A extends Record, R extends Record> R call(Procedure<A, R> procedure, A arguments) throws IOException {
        send(Packet.encode(Header.call(procedure, serial++), procedure.argumentsCodec(), arguments));
        Packet answer = read();
        if (answer.header().status() == Status.ERROR) throw answer.decode(ErrorMessage.CODEC).toException();
        return answer.decode(procedure.resultCodec());
    }

    ErrorMessage failing(Header header, byte... payload) throws IOException {
        send(Packet.encode(header, payload, 0, payload.length));
        Packet answer = read();
        assertThat(answer.header().status()).isEqualTo(Status.ERROR);
        assertThat(answer.header().serial()).isEqualTo(header.serial());
        return answer.decode(ErrorMessage.CODEC);
    }

    Wire open() throws IOException {
        call(Connections.OPEN, new Connections.Open(Optional.of("qemu:///system"), 0));
        return this;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
