package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// Agrees with a server on what is spoken: the newstyle negotiation, with structured replies and block status where it has them.
final class ClientHandshake {
    private static final int MOST_REPLY = 1 << 20;
    private static final int ZEROES = 124;

    /// What was agreed on.
    ///
    /// @param flags transmission flags
    /// @param leastBlock what offsets and lengths must be multiples of
    /// @param mostPayload bytes of one request, at most
    /// @param structured whether replies come in chunks
    /// @param allocationId the number `base:allocation` has; empty: there is none
    record Agreed(long sizeBytes, int flags, int leastBlock, int mostPayload, boolean structured, OptionalInt allocationId) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private final Wire wire;
    private final NbdUrl url;
    private long sizeBytes;
    private int flags;
    private int leastBlock = 1;
    private int mostPayload = Nbd.MOST_PAYLOAD;
    private OptionalInt allocationId = OptionalInt.empty();

    private ClientHandshake(Wire wire, NbdUrl url) {
        this.wire = wire;
        this.url = url;
    }

    static Agreed agree(Wire wire, NbdUrl url) throws IOException {
        return new ClientHandshake(wire, url).agree();
    }

    private Agreed agree() throws IOException {
        ByteBuffer greeting = wire.read(16);
        if (greeting.getLong() != Nbd.INIT_MAGIC || greeting.getLong() != Nbd.OPTION_MAGIC) throw refused("Bad initial magic received");
        int server = wire.read(2).getShort();
        boolean noZeroes = (server & Nbd.FLAG_NO_ZEROES) != 0;
        wire.write(ByteBuffer.allocate(4).putInt(server & (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)).flip());
        boolean structured = false;
        boolean going = false;
        if ((server & Nbd.FLAG_FIXED_NEWSTYLE) != 0) {
            structured = option(Nbd.OPT_STRUCTURED_REPLY, ByteBuffer.allocate(0), false) == Nbd.REP_ACK;
            if (structured) option(Nbd.OPT_SET_META_CONTEXT, metaContext(), false);
            going = option(Nbd.OPT_GO, go(), true) == Nbd.REP_ACK;
        }
        if (!going) exportName(noZeroes);
        if (sizeBytes < 0) throw refused("The disk is said to have %d bytes".formatted(sizeBytes));
        if (Integer.bitCount(leastBlock) != 1 || leastBlock > 1 << 20 || mostPayload < leastBlock) {
            throw refused("Block sizes of %d to %d bytes".formatted(leastBlock, mostPayload));
        }
        return new Agreed(sizeBytes, flags, leastBlock, Math.min(mostPayload, Nbd.MOST_PAYLOAD), structured, allocationId);
    }

    private static BlockException refused(String why) {
        return new BlockException(Errno.EIO, why);
    }

    private byte[] name() {
        return url.export().getBytes(StandardCharsets.UTF_8);
    }

    private ByteBuffer metaContext() {
        byte[] name = name();
        byte[] context = Nbd.BASE_ALLOCATION.getBytes(StandardCharsets.UTF_8);
        ByteBuffer b = ByteBuffer.allocate(12 + name.length + context.length);
        return b.putInt(name.length).put(name).putInt(1).putInt(context.length).put(context).flip();
    }

    private ByteBuffer go() {
        byte[] name = name();
        ByteBuffer b = ByteBuffer.allocate(8 + name.length);
        return b.putInt(name.length).put(name).putShort((short) 1).putShort((short) Nbd.INFO_BLOCK_SIZE).flip();
    }

    /// Sends an option, and takes what the server says until it is settled; how.
    ///
    /// @param needed whether a refusal, other than that it is unknown, is an end
    private int option(int option, ByteBuffer data, boolean needed) throws IOException {
        wire.write(ByteBuffer.allocate(16).putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(data.remaining()).flip(), data);
        while (true) {
            ByteBuffer reply = wire.read(20);
            boolean its = reply.getLong() == Nbd.OPTION_REPLY_MAGIC && reply.getInt() == option;
            int type = reply.getInt();
            int length = reply.getInt();
            if (!its || length < 0 || length > MOST_REPLY) throw refused("Unexpected option reply");
            ByteBuffer payload = wire.read(length);
            switch (type) {
                case Nbd.REP_ACK -> {
                    return type;
                }
                case Nbd.REP_INFO -> info(payload);
                case Nbd.REP_META_CONTEXT -> {
                    if (length > 4) allocationId = OptionalInt.of(payload.getInt());
                }
                default -> {
                    if ((type & Nbd.REP_ERROR) == 0) continue;
                    if (needed && type != Nbd.REP_ERR_UNSUP) throw refused(refusal(type, payload));
                    if (type == Nbd.REP_ERR_TLS_REQD) throw refused(refusal(type, payload));
                    return type;
                }
            }
        }
    }

    private static String refusal(int type, ByteBuffer payload) {
        String why = switch (type) {
            case Nbd.REP_ERR_POLICY -> "Denied by server";
            case Nbd.REP_ERR_TLS_REQD -> "Server requires TLS, which is not supported";
            case Nbd.REP_ERR_UNKNOWN -> "Requested export not available";
            default -> "The server refuses with error %#x".formatted(type);
        };
        @Nullable String said = payload.hasRemaining() ? StandardCharsets.UTF_8.decode(payload).toString() : null;
        return said == null ? why : why + "\nserver reported: " + said;
    }

    private void info(ByteBuffer b) {
        if (b.remaining() < 2) throw refused("Unexpected option reply");
        int type = b.getShort();
        if (type == Nbd.INFO_EXPORT && b.remaining() >= 10) {
            sizeBytes = b.getLong();
            flags = b.getShort() & 0xffff;
        } else if (type == Nbd.INFO_BLOCK_SIZE && b.remaining() >= 12) {
            leastBlock = b.getInt();
            b.getInt();
            mostPayload = b.getInt();
            if (mostPayload < 0) mostPayload = Nbd.MOST_PAYLOAD;
        }
    }

    /// What servers without OPT_GO have; a name they do not know ends the connection.
    private void exportName(boolean noZeroes) throws IOException {
        byte[] name = name();
        wire.write(ByteBuffer.allocate(16).putLong(Nbd.OPTION_MAGIC).putInt(Nbd.OPT_EXPORT_NAME).putInt(name.length).flip(),
                ByteBuffer.wrap(name));
        ByteBuffer b = wire.read(noZeroes ? 10 : 10 + ZEROES);
        sizeBytes = b.getLong();
        flags = b.getShort() & 0xffff;
    }
}
