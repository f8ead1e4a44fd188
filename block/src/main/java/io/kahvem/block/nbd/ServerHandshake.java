package io.kahvem.block.nbd;

import io.kahvem.block.nbd.NbdExport.Context;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The server's side of the negotiation: fixed newstyle.
final class ServerHandshake {
    private static final int MOST_OPTION = 2 * Nbd.MOST_NAME + 64;
    private static final int MOST_SKIPPED = 1 << 20;
    private static final int MOST_OPTIONS = 1000;
    private static final int ZEROES = 124;
    private static final int PREFERRED_BLOCK = 4096;

    private final Wire wire;
    private final NbdExport export;
    private final Optional<TlsCredentials> tls;
    private boolean noZeroes;
    private boolean structured;
    private Set<Context> contexts = EnumSet.noneOf(Context.class);

    /// @param tls without which nothing is told, if there are any
    ServerHandshake(Wire wire, NbdExport export, Optional<TlsCredentials> tls) {
        this.tls = tls;
        this.wire = wire;
        this.export = export;
    }

    boolean isStructured() {
        return structured;
    }

    Set<Context> contexts() {
        return contexts;
    }

    /// Whether the client goes on to the disk; else it wanted to know things, or has gone.
    boolean negotiate() throws IOException {
        int mine = Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES;
        wire.write(ByteBuffer.allocate(18).putLong(Nbd.INIT_MAGIC).putLong(Nbd.OPTION_MAGIC).putShort((short) mine).flip());
        int client = wire.read(4).getInt();
        if ((client & ~mine) != 0) throw new IOException("unknown client flags %#x".formatted(client));
        noZeroes = (client & Nbd.FLAG_NO_ZEROES) != 0;
        for (int n = 0; n < MOST_OPTIONS; n++) {
            ByteBuffer head = wire.read(16);
            if (head.getLong() != Nbd.OPTION_MAGIC) throw new IOException("an option without its magic");
            int option = head.getInt();
            long length = head.getInt() & 0xffff_ffffL;
            if (length > MOST_SKIPPED) throw new IOException("an option of %d bytes".formatted(length));
            if (length > MOST_OPTION) {
                wire.skip(length);
                reply(option, Nbd.REP_ERR_TOO_BIG, "the option is too long");
                continue;
            }
            ByteBuffer data = wire.read((int) length);
            switch (option) {
                case Nbd.OPT_EXPORT_NAME -> {
                    if (mustGoOverToTls()) throw new IOException("an export asked for before TLS");
                    return exportName(data);
                }
                case Nbd.OPT_ABORT -> {
                    reply(option, Nbd.REP_ACK);
                    return false;
                }
                case Nbd.OPT_STARTTLS -> startTls(data);
                default -> {
                    if (mustGoOverToTls()) {
                        reply(option, Nbd.REP_ERR_TLS_REQD, "Option %#x not permitted before TLS".formatted(option));
                    } else if (option(option, data)) {
                        return true;
                    }
                }
            }
        }
        throw new IOException("more than %d options".formatted(MOST_OPTIONS));
    }

    private boolean mustGoOverToTls() {
        return tls.isPresent() && !wire.isTls();
    }

    private void startTls(ByteBuffer data) throws IOException {
        if (data.hasRemaining()) {
            reply(Nbd.OPT_STARTTLS, Nbd.REP_ERR_INVALID, "NBD_OPT_STARTTLS takes no data");
        } else if (wire.isTls()) {
            reply(Nbd.OPT_STARTTLS, Nbd.REP_ERR_INVALID, "TLS is there already");
        } else if (tls.isEmpty()) {
            reply(Nbd.OPT_STARTTLS, Nbd.REP_ERR_POLICY, "TLS not configured");
        } else {
            reply(Nbd.OPT_STARTTLS, Nbd.REP_ACK);
            wire.startTls(tls.get().serverEngine());
            structured = false; // what was said before counts no more
            contexts = EnumSet.noneOf(Context.class);
        }
    }

    /// Whether the negotiation has come to its end.
    private boolean option(int option, ByteBuffer data) throws IOException {
        try {
            return switch (option) {
                case Nbd.OPT_LIST -> list(data);
                case Nbd.OPT_INFO, Nbd.OPT_GO -> info(option, data);
                case Nbd.OPT_STRUCTURED_REPLY -> {
                    if (data.hasRemaining()) {
                        reply(option, Nbd.REP_ERR_INVALID, "NBD_OPT_STRUCTURED_REPLY takes no data");
                    } else {
                        structured = true;
                        reply(option, Nbd.REP_ACK);
                    }
                    yield false;
                }
                case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> metaContexts(option, data);
                default -> {
                    reply(option, Nbd.REP_ERR_UNSUP, "Unsupported option %d".formatted(option));
                    yield false;
                }
            };
        } catch (BufferUnderflowException e) {
            reply(option, Nbd.REP_ERR_INVALID, "the option is too short");
            return false;
        }
    }

    private boolean exportName(ByteBuffer data) throws IOException {
        String name = StandardCharsets.UTF_8.decode(data).toString();
        if (!isMine(name)) throw new IOException("no export '%s'".formatted(name));
        ByteBuffer b = ByteBuffer.allocate(10 + (noZeroes ? 0 : ZEROES));
        b.putLong(export.node().sizeBytes()).putShort((short) export.transmissionFlags(structured));
        wire.write(b.clear());
        return true;
    }

    private boolean isMine(String name) {
        return name.equals(export.name());
    }

    private boolean list(ByteBuffer data) throws IOException {
        if (data.hasRemaining()) {
            reply(Nbd.OPT_LIST, Nbd.REP_ERR_INVALID, "NBD_OPT_LIST takes no data");
            return false;
        }
        byte[] name = export.name().getBytes(StandardCharsets.UTF_8);
        String description = export.description();
        byte[] text = description == null ? new byte[0] : description.getBytes(StandardCharsets.UTF_8);
        ByteBuffer mine = ByteBuffer.allocate(4 + name.length + text.length).putInt(name.length).put(name).put(text);
        reply(Nbd.OPT_LIST, Nbd.REP_SERVER, mine.flip());
        reply(Nbd.OPT_LIST, Nbd.REP_ACK);
        return false;
    }

    private boolean info(int option, ByteBuffer data) throws IOException {
        String name = text(data, data.getInt());
        int count = data.getShort() & 0xffff;
        List<Integer> wanted = new ArrayList<>();
        for (int n = 0; n < count; n++) wanted.add(data.getShort() & 0xffff);
        if (!isMine(name)) {
            reply(option, Nbd.REP_ERR_UNKNOWN, "export '%s' not present".formatted(name));
            return false;
        }
        if (wanted.contains(Nbd.INFO_NAME)) {
            byte[] bytes = export.name().getBytes(StandardCharsets.UTF_8);
            reply(option, Nbd.REP_INFO, ByteBuffer.allocate(2 + bytes.length).putShort((short) Nbd.INFO_NAME).put(bytes).flip());
        }
        String description = export.description();
        if (wanted.contains(Nbd.INFO_DESCRIPTION) && description != null) {
            byte[] bytes = description.getBytes(StandardCharsets.UTF_8);
            reply(option, Nbd.REP_INFO, ByteBuffer.allocate(2 + bytes.length).putShort((short) Nbd.INFO_DESCRIPTION).put(bytes).flip());
        }
        reply(option, Nbd.REP_INFO, ByteBuffer.allocate(14).putShort((short) Nbd.INFO_BLOCK_SIZE).putInt(1).putInt(PREFERRED_BLOCK)
                .putInt(Nbd.MOST_PAYLOAD).flip());
        reply(option, Nbd.REP_INFO, ByteBuffer.allocate(12).putShort((short) Nbd.INFO_EXPORT).putLong(export.node().sizeBytes())
                .putShort((short) export.transmissionFlags(structured)).flip());
        reply(option, Nbd.REP_ACK);
        return option == Nbd.OPT_GO;
    }

    private boolean metaContexts(int option, ByteBuffer data) throws IOException {
        boolean listing = option == Nbd.OPT_LIST_META_CONTEXT;
        if (!structured && !listing) {
            reply(option, Nbd.REP_ERR_INVALID, "request option '%d' when structured reply is not negotiated".formatted(option));
            return false;
        }
        String name = text(data, data.getInt());
        int queries = data.getInt();
        if (!isMine(name)) {
            reply(option, Nbd.REP_ERR_UNKNOWN, "export '%s' not present".formatted(name));
            return false;
        }
        Set<Context> found = EnumSet.noneOf(Context.class);
        for (int n = 0; n < queries; n++) found.addAll(export.matching(text(data, data.getInt()), listing));
        if (listing && queries == 0) for (Context context : Context.values()) if (export.nameOf(context) != null) found.add(context);
        for (Context context : found) {
            byte[] its = String.valueOf(export.nameOf(context)).getBytes(StandardCharsets.UTF_8);
            int id = listing ? 0 : context.ordinal() + 1;
            reply(option, Nbd.REP_META_CONTEXT, ByteBuffer.allocate(4 + its.length).putInt(id).put(its).flip());
        }
        if (!listing) contexts = found;
        reply(option, Nbd.REP_ACK);
        return false;
    }

    private static String text(ByteBuffer data, int length) {
        if (length < 0 || length > data.remaining()) throw new BufferUnderflowException();
        byte[] bytes = new byte[length];
        data.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void reply(int option, int type) throws IOException {
        reply(option, type, ByteBuffer.allocate(0));
    }

    private void reply(int option, int type, String text) throws IOException {
        reply(option, type, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    private void reply(int option, int type, ByteBuffer data) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(20).putLong(Nbd.OPTION_REPLY_MAGIC).putInt(option).putInt(type).putInt(data.remaining());
        wire.write(head.flip(), data);
    }
}
