package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// Serves one disk on a socket: a thread for each client, and more where it has several requests under way.
public final class NbdServer implements AutoCloseable {
    private final NbdExport export;
    private final ServerSocketChannel listener;
    private final boolean persistent;
    private final Optional<TlsCredentials> tls;
    private final Consumer<String> log;
    private final Semaphore places;
    private final AtomicInteger clients = new AtomicInteger();
    private final Set<Wire> wires = ConcurrentHashMap.newKeySet();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final CountDownLatch ended = new CountDownLatch(1);

    private NbdServer(
            NbdExport export, ServerSocketChannel listener, boolean persistent, Optional<TlsCredentials> tls, Consumer<String> log) {
        this.tls = tls;
        this.export = export;
        this.listener = listener;
        this.persistent = persistent;
        this.log = log;
        places = new Semaphore(export.sharedBy());
    }

    /// Listens, and serves from here on. The export's node stays its owner's. Throws [BlockException] where nobody can listen there.
    ///
    /// @param persistent goes on after the last client has left
    /// @param tls without which clients are told nothing, if there are any
    /// @param log hears of clients that did not keep to the protocol
    public static NbdServer start(NbdExport export, SocketAddress address, boolean persistent, Optional<TlsCredentials> tls,
            Consumer<String> log) {
        NbdServer server = new NbdServer(export, listen(address), persistent, tls, log);
        server.start(server::accept, "nbd accept");
        return server;
    }

    private static ServerSocketChannel listen(SocketAddress address) {
        try {
            if (address instanceof UnixDomainSocketAddress unix) {
                removeDeadSocket(unix);
                return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(unix);
            }
            return ServerSocketChannel.open().bind(address);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "Failed to listen on '%s': %s".formatted(shown(address), e.getMessage()), e);
        }
    }

    /// A socket's file outlives who made it.
    private static void removeDeadSocket(UnixDomainSocketAddress address) throws IOException {
        if (!Files.exists(address.getPath())) return;
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(address);
        } catch (IOException nobody) {
            if (!Files.isRegularFile(address.getPath())) Files.deleteIfExists(address.getPath());
            return;
        }
        throw new IOException("Address already in use");
    }

    private static String shown(SocketAddress address) {
        return address instanceof InetSocketAddress tcp ? "%s:%d".formatted(tcp.getHostString(), tcp.getPort()) : address.toString();
    }

    /// Where it listens: with the port the system chose, if it was left to it.
    public SocketAddress address() {
        try {
            return listener.getLocalAddress();
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the socket is gone: " + e.getMessage(), e);
        }
    }

    private void start(Runnable work, String name) {
        Thread thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> {
            try {
                work.run();
            } finally {
                threads.remove(Thread.currentThread());
            }
        });
        threads.add(thread);
        thread.start();
    }

    private void accept() {
        try {
            while (true) {
                places.acquireUninterruptibly();
                SocketChannel channel = listener.accept();
                start(() -> serve(channel), "nbd client");
            }
        } catch (IOException e) {
            ended.countDown(); // closed
        }
    }

    private void serve(SocketChannel channel) {
        boolean negotiated = false;
        clients.incrementAndGet();
        try (Wire wire = new Wire(channel)) {
            wires.add(wire);
            try {
                ServerHandshake handshake = new ServerHandshake(wire, export, tls);
                negotiated = handshake.negotiate();
                if (negotiated) new ServerSession(wire, export, handshake.isStructured(), handshake.contexts()).run();
            } finally {
                wires.remove(wire);
            }
        } catch (IOException e) {
            boolean closedHere = !listener.isOpen();
            if (!closedHere) log.accept("a client did not come to terms: " + e.getMessage());
        }
        places.release();
        if (clients.decrementAndGet() == 0 && negotiated && !persistent) ended.countDown();
    }

    /// Has [#awaitEnd] return: for a signal's handler, which must not wait.
    public void end() {
        ended.countDown();
    }

    /// Returns when it ends by itself, or is told to.
    public void awaitEnd() throws InterruptedException {
        ended.await();
    }

    /// Ends every connection, and returns when none is served any more.
    @Override
    public void close() {
        ended.countDown();
        try {
            SocketAddress address = listener.getLocalAddress();
            listener.close();
            if (address instanceof UnixDomainSocketAddress unix && !unix.getPath().toString().isEmpty()) {
                Files.deleteIfExists(unix.getPath());
            }
        } catch (IOException e) {
            log.accept("closing the socket: " + e.getMessage());
        }
        places.release(); // for the thread that may wait to accept another
        wires.forEach(Wire::close);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive() && thread != Thread.currentThread()) {
                try {
                    wires.forEach(Wire::close);
                    thread.join(100);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }
}
