package io.kahvem.libvirt.rpc;

import io.kahvem.libvirt.xdr.Codec;
import io.kahvem.libvirt.xdr.XdrReader;
import io.kahvem.libvirt.xdr.XdrWriter;
import java.nio.ByteBuffer;

/// A header and what follows it.
///
/// @param payload what follows the header; for a type with descriptors, what follows their count
public record Packet(Header header, byte[] payload) {
    /// Octets of the length and the header.
    public static final int HEADER_BYTES = 28;

    /// The most octets of a packet with its length, and of what follows the header (VIR_NET_MESSAGE_MAX).
    public static final int MAX_BYTES = (32 << 20) + 4;

    /// The octets of a stream's packets: what an old libvirt takes too.
    public static final int STREAM_CHUNK = 262120;

    /// The whole packet as it is sent, whose payload is the codec's form of `message`.
    public static <T> ByteBuffer encode(Header header, Codec<T> codec, T message) {
        XdrWriter out = begin(header);
        codec.write(out, message);
        return end(out);
    }

    /// The whole packet as it is sent, whose payload is octets as they are.
    public static ByteBuffer encode(Header header, byte[] data, int offset, int length) {
        XdrWriter out = begin(header);
        out.writeRaw(data, offset, length);
        return end(out);
    }

    private static XdrWriter begin(Header header) {
        XdrWriter out = new XdrWriter();
        out.writeInt(0);
        out.writeInt(header.program());
        out.writeInt(header.version());
        out.writeInt(header.procedure());
        out.writeInt(header.type());
        out.writeInt(header.serial());
        out.writeInt(header.status());
        return out;
    }

    private static ByteBuffer end(XdrWriter out) {
        out.patchInt(0, out.size());
        return ByteBuffer.wrap(out.toBytes());
    }

    /// The payload as a message; what follows it is left alone, as libvirt does. Throws [io.kahvem.libvirt.xdr.XdrException].
    public <T> T decode(Codec<T> codec) {
        return codec.read(new XdrReader(payload));
    }
}
