package io.kahvem.daemon.rpc;

import io.kahvem.daemon.DaemonException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// Certificates and keys as libvirt's tools keep them: PEM files `cacert.pem`, and for a daemon `servercert.pem` and `serverkey.pem`, for a
/// client `clientcert.pem` and `clientkey.pem`.
public final class Certificates {
    private static final String BEGIN = "-----BEGIN PRIVATE KEY-----";
    private static final String END = "-----END PRIVATE KEY-----";

    private Certificates() {}

    /// TLS of a daemon, with the files of `directory`. Throws [DaemonException] that names the file at fault.
    public static SSLContext ofServer(Path directory) {
        return of(directory, "server");
    }

    /// TLS of a client.
    public static SSLContext ofClient(Path directory) {
        return of(directory, "client");
    }

    private static SSLContext of(Path directory, String who) {
        try {
            KeyStore trusted = empty();
            int number = 0;
            for (Certificate certificate : certificates(directory.resolve("cacert.pem"))) {
                trusted.setCertificateEntry("ca" + number++, certificate);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            Certificate[] chain = certificates(directory.resolve(who + "cert.pem")).toArray(Certificate[]::new);
            KeyStore own = empty();
            own.setKeyEntry(who, key(directory.resolve(who + "key.pem"), chain[0].getPublicKey().getAlgorithm()), new char[0], chain);
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(own, new char[0]);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new DaemonException("the certificates in %s cannot be used: %s".formatted(directory, e.getMessage()), e);
        }
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Collection<X509Certificate> certificates(Path file) throws GeneralSecurityException, IOException {
        try (InputStream in = Files.newInputStream(file)) {
            Collection<X509Certificate> found = CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                    .map(X509Certificate.class::cast).toList();
            if (found.isEmpty()) throw new DaemonException("%s has no certificate in it".formatted(file));
            return found;
        }
    }

    private static PrivateKey key(Path file, String algorithm) throws GeneralSecurityException, IOException {
        String text = Files.readString(file);
        int begin = text.indexOf(BEGIN);
        int end = text.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new DaemonException("%s has no key in it in the form PKCS #8\n  openssl pkcs8 -topk8 -nocrypt -in OLD -out %s"
                    .formatted(file, file));
        }
        byte[] encoded = Base64.getMimeDecoder().decode(text.substring(begin + BEGIN.length(), end));
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
    }
}
