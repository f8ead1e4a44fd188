package io.kahvem.host;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import jdk.net.ExtendedSocketOptions;

/// By Java's channels, which pass no descriptors.
final class ChannelSocket implements LocalSocket {
    private final SocketChannel channel;

    ChannelSocket(SocketChannel channel) {
        this.channel = channel;
    }

    static LocalSocket connect(Path path) {
        try {
            return new ChannelSocket(SocketChannel.open(UnixDomainSocketAddress.of(path)));
        } catch (IOException e) {
            throw new HostException("connect to " + path, "connect", e, "");
        }
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        try {
            return channel.read(ByteBuffer.wrap(into, offset, length));
        } catch (IOException gone) {
            return -1;
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int length, List<Descriptor> descriptors) {
        if (!descriptors.isEmpty()) throw new UnsupportedOperationException("this host passes no descriptors");
        try {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
            while (buffer.hasRemaining()) channel.write(buffer);
        } catch (IOException e) {
            throw new HostException("write to a socket", "write", e, "");
        }
    }

    @Override
    public List<Descriptor> takeDescriptors() {
        return List.of();
    }

    @Override
    public String peer() {
        try {
            return channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
        } catch (IOException e) {
            throw new HostException("tell who is connected", "getsockopt", e, "");
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new HostException("close a socket", "close", e, "");
        }
    }
}
