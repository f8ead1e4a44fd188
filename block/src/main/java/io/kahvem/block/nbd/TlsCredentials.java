package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CRL;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/// Certificates and keys as QEMU's tls-creds-x509 keeps them, PEM files of one directory: `ca-cert.pem`, `ca-crl.pem` if there is one, and
/// `server-cert.pem` and `server-key.pem`, or for a client `client-cert.pem` and `client-key.pem`.
///
/// @param needsPeer whether a server refuses clients that show no certificate of the authority's
public record TlsCredentials(SSLContext context, boolean needsPeer) {
    /// RFC 7468 allows text before and after.
    private static final Pattern KEY = Pattern.compile("-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    /// Throws [BlockException] that names the file at fault.
    public static TlsCredentials ofServer(Path directory, boolean needsPeer) {
        return of(directory, "server", needsPeer);
    }

    /// A client's own certificate may be missing, for servers that ask for none.
    public static TlsCredentials ofClient(Path directory) {
        return of(directory, "client", true);
    }

    private static TlsCredentials of(Path directory, String who, boolean needsPeer) {
        try {
            Path certificate = directory.resolve(who + "-cert.pem");
            Optional<KeyManager[]> keys = who.equals("client") && !Files.exists(certificate)
                    ? Optional.empty()
                    : Optional.of(keys(certificate, directory.resolve(who + "-key.pem")));
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.orElse(null), trust(directory).getTrustManagers(), null);
            return new TlsCredentials(context, needsPeer);
        } catch (NoSuchFileException e) {
            throw BlockException.invalid("Unable to access credentials %s: No such file or directory".formatted(e.getMessage()));
        } catch (GeneralSecurityException | IOException e) {
            throw BlockException.invalid("the credentials in %s cannot be used: %s".formatted(directory, e.getMessage()));
        }
    }

    private static TrustManagerFactory trust(Path directory) throws GeneralSecurityException, IOException {
        Set<TrustAnchor> anchors = new HashSet<>();
        for (X509Certificate authority : certificates(directory.resolve("ca-cert.pem"))) anchors.add(new TrustAnchor(authority, null));
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, new X509CertSelector());
        Path revoked = directory.resolve("ca-crl.pem");
        parameters.setRevocationEnabled(Files.exists(revoked));
        if (parameters.isRevocationEnabled()) {
            parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(revocations(revoked))));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(new CertPathTrustManagerParameters(parameters));
        return trust;
    }

    private static Collection<? extends CRL> revocations(Path file) throws GeneralSecurityException, IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return CertificateFactory.getInstance("X.509").generateCRLs(in);
        }
    }

    private static Collection<X509Certificate> certificates(Path file) throws GeneralSecurityException, IOException {
        try (InputStream in = Files.newInputStream(file)) {
            Collection<X509Certificate> found = CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                    .map(X509Certificate.class::cast).toList();
            if (found.isEmpty()) throw BlockException.invalid("%s has no certificate in it".formatted(file));
            return found;
        }
    }

    private static KeyManager[] keys(Path certificate, Path key) throws GeneralSecurityException, IOException {
        Certificate[] chain = certificates(certificate).toArray(Certificate[]::new);
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        own.setKeyEntry("own", key(key, chain[0].getPublicKey().getAlgorithm()), new char[0], chain);
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, new char[0]);
        return keys.getKeyManagers();
    }

    private static PrivateKey key(Path file, String algorithm) throws GeneralSecurityException, IOException {
        Matcher found = KEY.matcher(Files.readString(file));
        if (!found.find() || found.group(1).startsWith("EC")) {
            throw BlockException.invalid("%s has no key in it in the form PKCS #8\n  openssl pkcs8 -topk8 -nocrypt -in OLD -out %1$s"
                    .formatted(file));
        }
        byte[] encoded = Base64.getMimeDecoder().decode(found.group(2));
        if (found.group(1).startsWith("RSA")) encoded = inPkcs8(encoded);
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
    }

    /// PrivateKeyInfo (RFC 5208, section 5) of an RSAPrivateKey (RFC 8017, A.1.2), which certtool makes.
    private static byte[] inPkcs8(byte[] rsa) {
        byte[] versionAndAlgorithm = {2, 1, 0, 0x30, 13, 6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 13, 1, 1, 1, 5, 0};
        byte[] key = der(4, rsa);
        return der(0x30, ByteBuffer.allocate(versionAndAlgorithm.length + key.length).put(versionAndAlgorithm).put(key).array());
    }

    /// DER with a length of two bytes.
    private static byte[] der(int tag, byte[] content) {
        ByteBuffer b = ByteBuffer.allocate(4 + content.length);
        return b.put((byte) tag).put((byte) 0x82).putShort((short) content.length).put(content).array();
    }

    SSLEngine serverEngine() {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        engine.setNeedClientAuth(needsPeer);
        // Asked for one by the JDK's TLS 1.3, clients with GnuTLS 3.7, QEMU's and libnbd's, send no certificate.
        if (needsPeer) engine.setEnabledProtocols(new String[] {"TLSv1.2"});
        return engine;
    }

    /// @param host whose name the server's certificate must have; empty: any that the authority has signed
    SSLEngine clientEngine(Optional<String> host) {
        SSLEngine engine = host.isPresent() ? context.createSSLEngine(host.get(), -1) : context.createSSLEngine();
        engine.setUseClientMode(true);
        if (host.isPresent()) {
            SSLParameters parameters = engine.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS"); // RFC 2818: names of certificates, which NBD takes over
            engine.setSSLParameters(parameters);
        }
        return engine;
    }
}
