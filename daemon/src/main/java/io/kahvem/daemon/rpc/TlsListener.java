package io.kahvem.daemon.rpc;

import io.kahvem.daemon.DaemonException;
import io.kahvem.daemon.LazyLogger;
import io.kahvem.libvirt.Channels;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/// A TLS socket: a client's certificate says who it is, and where that is not enough a user of the daemon's does. Handshakes are made
/// aside, so that a slow one holds nobody up.
public final class TlsListener implements Listener {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.rpc");
    private static final int HANDSHAKE_MILLIS = 10_000;
    private static final long LOOK_SECONDS = 1;

    /// With the JDK's TLS 1.3 libvirt's own library (9.0, with GnuTLS 3.7) does not get along: it finds none of its certificates on the
    /// list of authorities, and takes the session ticket that comes before our octet for the end.
    private static final String[] PROTOCOLS = {"TLSv1.2"};

    private final InetSocketAddress address;
    private final SSLServerSocket socket;
    private final boolean sasl;
    private final BlockingQueue<Link> links = new SynchronousQueue<>();
    private volatile boolean closed;

    /// @param tls with the daemon's certificate, and those that sign clients'
    /// @param sasl whether clients must prove by SASL too who they are
    public TlsListener(InetSocketAddress address, SSLContext tls, boolean sasl) {
        this.address = address;
        this.sasl = sasl;
        try {
            socket = (SSLServerSocket) tls.getServerSocketFactory().createServerSocket();
            socket.setEnabledProtocols(PROTOCOLS);
            socket.setNeedClientAuth(true);
            socket.bind(address, 1000);
        } catch (IOException e) {
            throw new DaemonException("cannot listen on %s: %s".formatted(address, e.getMessage()), e);
        }
        Thread.ofVirtual().name("tls " + address).start(this::acceptAll);
    }

    public int port() {
        return socket.getLocalPort();
    }

    private void acceptAll() {
        while (!closed) {
            try {
                SSLSocket connection = (SSLSocket) socket.accept();
                Thread.startVirtualThread(() -> greet(connection));
            } catch (IOException e) {
                if (!closed) LOG.log(Level.WARNING, "cannot accept a connection on {0}: {1}", address, e.getMessage());
            }
        }
    }

    private void greet(SSLSocket connection) {
        try {
            connection.setSoTimeout(HANDSHAKE_MILLIS);
            connection.startHandshake();
            X509Certificate certificate = (X509Certificate) connection.getSession().getPeerCertificates()[0];
            connection.setSoTimeout(0);
            connection.setTcpNoDelay(true);
            connection.getOutputStream().write(Channels.ACCEPTED);
            links.put(new Link(Channels.of(connection), certificate.getSubjectX500Principal().getName(), false, false, true,
                    !sasl));
        } catch (IOException e) {
            LOG.log(Level.INFO, "no TLS with {0}: {1}", connection.getRemoteSocketAddress(), e.getMessage());
            close(connection);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close(connection);
        }
    }

    private static void close(SSLSocket connection) {
        try {
            connection.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a connection", e);
        }
    }

    @Override
    public Link accept() throws IOException {
        try {
            while (!closed) {
                Link link = links.poll(LOOK_SECONDS, TimeUnit.SECONDS);
                if (link != null) return link;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new IOException("closed");
    }

    @Override
    public void close() {
        closed = true;
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing " + address, e);
        }
    }

    @Override
    public String toString() {
        return address.toString();
    }
}
