package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// Agrees with a server on what is spoken: the newstyle negotiation, with structured replies and block status where it has them.
final class ClientHandshake {
    private static final int MOST_REPLY = 1 << 20;
    private static final int ZEROES = 124;
    private static final int MOST_EXPORTS = 10_000;

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
    private int bestBlock;
    private int mostPayload = Nbd.MOST_PAYLOAD;
    private OptionalInt allocationId = OptionalInt.empty();

    private ClientHandshake(Wire wire, NbdUrl url) {
        this.wire = wire;
        this.url = url;
    }

    static Agreed agree(Wire wire, NbdUrl url) throws IOException {
        return new ClientHandshake(wire, url).agree();
    }

    /// What a server has, and leaves it.
    static List<ListedExport> list(Wire wire, NbdUrl url) throws IOException {
        return new ClientHandshake(wire, url).list();
    }

    /// Takes the server's greeting, and goes over to TLS if it is to be; the server's flags.
    private int greet() throws IOException {
        ByteBuffer greeting = wire.read(16);
        if (greeting.getLong() != Nbd.INIT_MAGIC || greeting.getLong() != Nbd.OPTION_MAGIC) throw refused("Bad initial magic received");
        int server = wire.read(2).getShort();
        wire.write(ByteBuffer.allocate(4).putInt(server & (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)).flip());
        if (url.tls().isEmpty()) return server;
        boolean asks = (server & Nbd.FLAG_FIXED_NEWSTYLE) != 0;
        if (!asks || option(Nbd.OPT_STARTTLS, ByteBuffer.allocate(0), false) != Nbd.REP_ACK) throw refused("Server does not support TLS");
        NbdUrl.Tls how = url.tls().get();
        wire.startTls(TlsCredentials.ofClient(how.certificates()).clientEngine(how.hostname()));
        return server;
    }

    private Agreed agree() throws IOException {
        int server = greet();
        boolean noZeroes = (server & Nbd.FLAG_NO_ZEROES) != 0;
        boolean structured = false;
        boolean going = false;
        if ((server & Nbd.FLAG_FIXED_NEWSTYLE) != 0) {
            structured = option(Nbd.OPT_STRUCTURED_REPLY, ByteBuffer.allocate(0), false) == Nbd.REP_ACK;
            if (structured) option(Nbd.OPT_SET_META_CONTEXT, metaContext(), false);
            going = option(Nbd.OPT_GO, infoRequest(name()), true) == Nbd.REP_ACK;
        }
        if (!going) exportName(noZeroes);
        if (sizeBytes < 0) throw refused("The disk is said to have %d bytes".formatted(sizeBytes));
        if (Integer.bitCount(leastBlock) != 1 || leastBlock > 1 << 20 || mostPayload < leastBlock) {
            throw refused("Block sizes of %d to %d bytes".formatted(leastBlock, mostPayload));
        }
        return new Agreed(sizeBytes, flags, leastBlock, Math.min(mostPayload, Nbd.MOST_PAYLOAD), structured, allocationId);
    }

    private List<ListedExport> list() throws IOException {
        if ((greet() & Nbd.FLAG_FIXED_NEWSTYLE) == 0) throw refused("The server is too old to list its exports");
        boolean structured = option(Nbd.OPT_STRUCTURED_REPLY, ByteBuffer.allocate(0), false) == Nbd.REP_ACK;
        Map<String, String> found = new LinkedHashMap<>();
        option(Nbd.OPT_LIST, ByteBuffer.allocate(0), true, (type, payload) -> {
            boolean one = type == Nbd.REP_SERVER && found.size() < MOST_EXPORTS && payload.remaining() >= 4;
            int length = one ? payload.getInt() : -1;
            if (length < 0 || length > payload.remaining()) throw refused("Unexpected option reply");
            byte[] bytes = new byte[length];
            payload.get(bytes);
            found.put(new String(bytes, StandardCharsets.UTF_8), StandardCharsets.UTF_8.decode(payload).toString());
        });
        List<ListedExport> exports = new ArrayList<>();
        for (Map.Entry<String, String> export : found.entrySet()) exports.add(look(export.getKey(), export.getValue(), structured));
        leave();
        return exports;
    }

    private void leave() {
        try {
            wire.write(ByteBuffer.allocate(16).putLong(Nbd.OPTION_MAGIC).putInt(Nbd.OPT_ABORT).putInt(0).flip());
            wire.finish();
        } catch (IOException e) {
            return; // the server has been told all it needs, and may have gone
        }
    }

    private ListedExport look(String export, String description, boolean structured) throws IOException {
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        ClientHandshake its = new ClientHandshake(wire, url);
        its.option(Nbd.OPT_INFO, infoRequest(name), true);
        List<String> contexts = new ArrayList<>();
        if (structured) {
            ByteBuffer all = ByteBuffer.allocate(8 + name.length).putInt(name.length).put(name).putInt(0).flip();
            option(Nbd.OPT_LIST_META_CONTEXT, all, false, (type, payload) -> {
                if (type != Nbd.REP_META_CONTEXT || payload.remaining() < 4) throw refused("Unexpected option reply");
                contexts.add(StandardCharsets.UTF_8.decode(payload.position(4)).toString());
            });
        }
        return new ListedExport(export, description, its.sizeBytes, its.flags, its.leastBlock, its.bestBlock, its.mostPayload, contexts);
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

    private static ByteBuffer infoRequest(byte[] name) {
        ByteBuffer b = ByteBuffer.allocate(8 + name.length);
        return b.putInt(name.length).put(name).putShort((short) 1).putShort((short) Nbd.INFO_BLOCK_SIZE).flip();
    }

    /// Sends an option, and takes what the server says until it is settled; how.
    ///
    /// @param needed whether a refusal, other than that it is unknown, is an end
    private int option(int option, ByteBuffer data, boolean needed) throws IOException {
        return option(option, data, needed, this::take);
    }

    /// What the server says before it has settled an option.
    private interface Said {
        void take(int type, ByteBuffer payload);
    }

    private void take(int type, ByteBuffer payload) {
        if (type == Nbd.REP_INFO) info(payload);
        else if (type == Nbd.REP_META_CONTEXT && payload.remaining() > 4) allocationId = OptionalInt.of(payload.getInt());
    }

    private int option(int option, ByteBuffer data, boolean needed, Said said) throws IOException {
        wire.write(ByteBuffer.allocate(16).putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(data.remaining()).flip(), data);
        while (true) {
            ByteBuffer reply = wire.read(20);
            boolean its = reply.getLong() == Nbd.OPTION_REPLY_MAGIC && reply.getInt() == option;
            int type = reply.getInt();
            int length = reply.getInt();
            if (!its || length < 0 || length > MOST_REPLY) throw refused("Unexpected option reply");
            ByteBuffer payload = wire.read(length);
            if (type == Nbd.REP_ACK) return type;
            if ((type & Nbd.REP_ERROR) == 0) {
                said.take(type, payload);
                continue;
            }
            boolean unknown = type == Nbd.REP_ERR_UNSUP && option != Nbd.OPT_LIST;
            if (needed && !unknown || type == Nbd.REP_ERR_TLS_REQD) throw refused(refusal(type, payload));
            return type;
        }
    }

    private static String refusal(int type, ByteBuffer payload) {
        String why = switch (type) {
            case Nbd.REP_ERR_POLICY -> "Denied by server";
            case Nbd.REP_ERR_TLS_REQD -> "Server requires TLS: give an nbds: address with tls-certificates=DIRECTORY";
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
            bestBlock = b.getInt();
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
