package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.CacheMode;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.nbd.ListedExport;
import io.kahvem.block.nbd.NbdExport;
import io.kahvem.block.nbd.NbdServer;
import io.kahvem.block.nbd.NbdUrl;
import io.kahvem.block.nbd.TlsCredentials;
import io.kahvem.block.qcow2.Qcow2Node;
import io.kahvem.block.table.WindowNode;
import io.kahvem.cli.ProcessEnd;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `serve`: what qemu-nbd does.
@Command(name = "serve", description = "Serves an image to others by NBD, on a UNIX socket or a loopback address: qemu-nbd's options.")
final class ServeVerb extends ImageVerb {
    private final ProcessEnd end;

    @Option(names = {"-k", "--socket"}, paramLabel = "PATH", description = "Listen on this UNIX socket.")
    private @Nullable String socket;

    @Option(names = {"-b", "--bind"}, paramLabel = "ADDRESS", description = "Listen on this loopback address; default 127.0.0.1.")
    private String bind = "127.0.0.1";

    @Option(names = {"-p", "--port"}, paramLabel = "PORT", description = "Listen on this port; default 10809, 0: any that is free.")
    private int port = 10_809;

    @Option(names = {"-e", "--shared"}, paramLabel = "N", description = "Clients at a time; the others wait. Default 1.")
    private int shared = 1;

    @Option(names = {"-t", "--persistent"}, description = "Go on after the last client has left.")
    private boolean persistent;

    @Option(names = {"-r", "--read-only"}, description = "Refuse writes.")
    private boolean readOnly;

    @Option(names = {"-x", "--export-name"}, paramLabel = "NAME", description = "What clients ask for; default the empty name.")
    private String exportName = "";

    @Option(names = {"-D", "--description"}, paramLabel = "TEXT", description = "For people who list exports.")
    private @Nullable String description;

    @Option(names = {"-A", "--allocation-depth"}, description = "Clients may ask which layer has a stretch.")
    private boolean allocationDepth;

    @Option(names = {"-B", "--bitmap"}, paramLabel = "NAME", description = "Clients may ask for this bitmap of the image.")
    private @Nullable String bitmap;

    @Option(names = {"-o", "--offset"}, paramLabel = "OFFSET", description = "Serve the disk from here on.")
    private String offset = "0";

    @Option(names = {"-f", "--format"}, paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = {"-l", "--load-snapshot"}, paramLabel = "SNAPSHOT", description = "Serve this internal snapshot, read-only.")
    private @Nullable String snapshot;

    @Option(names = "--cache", paramLabel = "CACHE", description = "Cache mode.")
    private @Nullable String cache;

    @Option(names = "--discard", paramLabel = "ignore|unmap", description = "Whether discards reach the image's file; default unmap.")
    private String discard = "unmap";

    @Option(names = "--pid-file", paramLabel = "PATH", description = "Write the process' number here once it listens.")
    private @Nullable String pidFile;

    @Option(names = "--tls-creds", paramLabel = "ID", description = "Serve by TLS alone, with the credentials of this --object.")
    private @Nullable String tlsCreds;

    @Option(names = "--tls-hostname", paramLabel = "NAME", description = "With -L: whose name the server's certificate must have.")
    private @Nullable String tlsHostname;

    @Option(names = {"-L", "--list"}, description = "Serve nothing: list what the server at this address has.")
    private boolean list;

    @Parameters(paramLabel = "FILE", arity = "0..1")
    private @Nullable String file;

    ServeVerb(ProcessEnd end) {
        this.end = end;
    }

    @Override
    int run() {
        if (shared < 1) throw BlockException.invalid("Invalid shared device number '%d'".formatted(shared));
        if (port < 0 || port > 0xffff) throw BlockException.invalid("Invalid port number '%d'".formatted(port));
        if (list) return list();
        if (file == null) throw BlockException.invalid("No image is given to be served");
        Optional<TlsCredentials> tls = Optional.ofNullable(tlsCreds).map(this::serverCredentials);
        long from = ByteSize.parse("offset", offset);
        SocketAddress address = socket == null ? address(tls) : UnixDomainSocketAddress.of(socket);
        boolean writes = !readOnly && snapshot == null;
        OpenOptions options = (writes ? OpenOptions.writable(format) : OpenOptions.readOnly(format))
                .withCache(cache(cache, CacheMode.WRITEBACK));
        try (BlockNode node = open(file, withDiscard(options).withSnapshot(snapshotName()))) {
            checkBitmap(node);
            NbdExport export = new NbdExport(part(node, from), exportName, description, !writes, allocationDepth, bitmap, shared);
            try (NbdServer server = NbdServer.start(export, address, persistent, tls, this::fail)) {
                end.onSignal(number -> server.end());
                started(server, file);
                server.awaitEnd();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return OK;
    }

    private int list() {
        if (file != null) throw BlockException.invalid("List mode is incompatible with a file name");
        Optional<String> hostname = Optional.ofNullable(tlsHostname).or(() -> socket == null ? Optional.of(bind) : Optional.empty());
        Optional<NbdUrl.Tls> tls = Optional.ofNullable(tlsCreds).map(id -> new NbdUrl.Tls(clientDirectory(id), hostname));
        List<ListedExport> exports = ListedExport.of(NbdUrl.parse(NbdUrl.of(Optional.ofNullable(socket), bind, port, "", tls)));
        out().printf("exports available: %d\n", exports.size());
        for (ListedExport export : exports) out().print(export.shown());
        out().flush();
        return OK;
    }

    /// Other than loopback only where clients prove who they are.
    private InetSocketAddress address(Optional<TlsCredentials> tls) {
        try {
            InetAddress address = InetAddress.getByName(bind);
            if (!address.isLoopbackAddress() && !tls.map(TlsCredentials::needsPeer).orElse(false)) {
                throw BlockException.invalid(("--bind %s: only loopback addresses are served without TLS and clients' certificates: "
                        + "whoever reaches the port reads and writes the disk"
                        + "\n  Give --tls-creds, or forward a UNIX socket by ssh: ssh -L /tmp/disk.sock:/run/disk.sock HOST")
                        .formatted(bind));
            }
            return new InetSocketAddress(address, port);
        } catch (UnknownHostException e) {
            throw BlockException.invalid("--bind %s is no address".formatted(bind));
        }
    }

    private OpenOptions withDiscard(OpenOptions options) {
        return switch (discard) {
            case "unmap", "on" -> options;
            case "ignore", "off" -> options.withUnmap(false);
            default -> throw BlockException.invalid("Invalid discard mode `%s'".formatted(discard));
        };
    }

    private @Nullable String snapshotName() {
        if (snapshot == null) return null;
        Map<String, String> given = pairs(snapshot);
        return given.getOrDefault("snapshot.id", given.getOrDefault("snapshot.name", snapshot));
    }

    private void checkBitmap(BlockNode node) {
        if (bitmap == null) return;
        if (!(node instanceof Qcow2Node qcow2)) throw BlockException.invalid("Bitmap '%s' is not found".formatted(bitmap));
        qcow2.bitmaps().needed(bitmap);
    }

    private static BlockNode part(BlockNode node, long from) {
        if (from == 0) return node;
        if (from > node.sizeBytes()) {
            throw BlockException.invalid("Offset (%d) has to be smaller than or equal to the image size (%d)"
                    .formatted(from, node.sizeBytes()));
        }
        return new WindowNode(node, node.format(), from, node.sizeBytes() - from);
    }

    private void started(NbdServer server, String file) {
        String scheme = tlsCreds == null ? "nbd" : "nbds";
        String url = server.address() instanceof InetSocketAddress tcp
                ? "%s://%s:%d/%s".formatted(scheme, tcp.getAddress().getHostAddress(), tcp.getPort(), exportName)
                : "%s+unix:///%s?socket=%s".formatted(scheme, exportName, socket);
        if (!isQuiet()) fail("'%s' is served at %s".formatted(file, url));
        if (pidFile == null) return;
        try {
            Files.writeString(Path.of(pidFile), ProcessHandle.current().pid() + "\n");
        } catch (IOException e) {
            throw BlockException.invalid("cannot write --pid-file %s: %s".formatted(pidFile, e.getMessage()));
        }
    }
}
