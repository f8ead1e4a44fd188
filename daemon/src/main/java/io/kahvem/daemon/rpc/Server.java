package io.kahvem.daemon.rpc;

import io.kahvem.daemon.LazyLogger;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/// Accepts connections on any number of sockets and serves each. Safe from any thread.
public final class Server implements AutoCloseable {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.rpc");
    private static final long PULSE_MILLIS = 500;

    private final Handlers handlers;
    private final Limits limits;
    private final Semaphore places;
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private final List<CallObserver> observers = new CopyOnWriteArrayList<>();
    /// Threads of the system, kept a minute for the next connection.
    private final ExecutorService waiting = Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("client").factory());
    private volatile boolean closed;

    public Server(Handlers handlers, Limits limits) {
        this.handlers = handlers;
        this.limits = limits;
        this.places = new Semaphore(limits.maxClients());
        Thread.ofVirtual().name("keepalive").start(this::checkAlive);
    }

    /// Serves what connects to `listener` from now on.
    public void listen(Listener listener) {
        listeners.add(listener);
        // Sockets of this host are waited on in the kernel (by host's native calls), which would hold up other virtual threads.
        Executor threads = listener.waitsInTheKernel() ? waiting : task -> Thread.ofVirtual().name("client").start(task);
        threads.execute(() -> accept(listener, threads));
    }

    /// Tells `observer` of every call from now on.
    public void observe(CallObserver observer) {
        observers.add(observer);
    }

    /// How many are connected.
    public int clients() {
        return clients.size();
    }

    /// Takes no more connections and ends those there are.
    @Override
    public void close() {
        closed = true;
        listeners.forEach(Listener::close);
        List.copyOf(clients).forEach(Client::close);
    }

    private void checkAlive() {
        try {
            while (!closed) {
                Thread.sleep(PULSE_MILLIS);
                clients.forEach(Client::checkAlive);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// The thread that a connection comes to serves it, at once, and another one waits for the next.
    private void accept(Listener listener, Executor threads) {
        try {
            places.acquire();
            Link link = next(listener);
            if (link == null) return;
            threads.execute(() -> accept(listener, threads));
            serve(new Client(link, handlers, limits, observers));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(Client client) {
        clients.add(client);
        if (closed) client.close();
        try {
            client.serve();
        } finally {
            clients.remove(client);
            places.release();
        }
    }

    /// The next connection; null once nobody is to connect any more.
    private @Nullable Link next(Listener listener) throws InterruptedException {
        while (!closed) {
            try {
                return listener.accept();
            } catch (IOException e) {
                if (closed) return null;
                // Out of descriptors, most likely: clients that leave free some.
                LOG.log(Level.WARNING, "cannot accept a connection on {0}: {1}", listener, e.getMessage());
                Thread.sleep(100);
            }
        }
        return null;
    }
}
