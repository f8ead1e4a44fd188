package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Where a served disk is, in the forms QEMU takes: `nbd://HOST[:PORT]/[EXPORT]`, `nbd+unix:///[EXPORT]?socket=PATH`,
/// `nbd:HOST:PORT[:exportname=EXPORT]`, `nbd:unix:PATH[:exportname=EXPORT]`.
///
/// With `nbds` for `nbd` in the forms with slashes it is reached by TLS: `tls-certificates=DIRECTORY` among the query's parameters says
/// where [TlsCredentials] are, `tls-hostname=NAME` whose name the server's certificate must have; without it, with TCP the host's.
///
/// @param shown the address, for messages
public record NbdUrl(SocketAddress address, String export, String shown, Optional<Tls> tls) {
    private static final String CERTIFICATES = "tls-certificates";
    private static final String HOSTNAME = "tls-hostname";

    /// How a server is reached by TLS.
    public record Tls(Path certificates, Optional<String> hostname) {}

    /// A path makes one slash of two.
    private static final Pattern TCP = Pattern.compile("nbd(?:\\+tcp)?://?(\\[[^]]+\\]|[^/:?\\[\\]]+)(?::(\\d+))?(?:/(.*))?");
    private static final Pattern OLD_UNIX = Pattern.compile("nbd:unix:(.+?)(?::exportname=(.*))?");
    private static final Pattern OLD_TCP = Pattern.compile("nbd:([^/:]+|\\[[^]]+\\]):(\\d+)(?::exportname=(.*))?");

    /// Whether a file's name is such an address.
    public static boolean isOne(String name) {
        return name.startsWith("nbd:") || name.startsWith("nbd+") || name.startsWith("nbds:") || name.startsWith("nbds+");
    }

    /// Throws [BlockException] in qemu-img's words.
    public static NbdUrl parse(String name) {
        if (name.startsWith("nbds")) return secured(name);
        if (name.startsWith("nbd+unix:")) return unix(name);
        Matcher m = OLD_UNIX.matcher(name);
        if (m.matches()) return unix(m.group(1), m.group(2));
        m = OLD_TCP.matcher(name);
        if (m.matches()) return tcp(name, m.group(1), m.group(2), m.group(3));
        m = TCP.matcher(name);
        if (m.matches()) return tcp(name, m.group(1), m.group(2), decoded(m.group(3)));
        throw BlockException.invalid("Could not open '%s': error parsing address '%s'".formatted(name, name.replaceFirst("^nbd:", "")));
    }

    private static NbdUrl secured(String name) {
        int question = name.indexOf('?');
        String query = question < 0 ? "" : name.substring(question + 1);
        Optional<String> certificates = parameter(query, CERTIFICATES);
        if (certificates.isEmpty()) {
            throw BlockException.invalid(("Could not open '%s': TLS needs certificates\n  Give %s=DIRECTORY among its parameters:"
                    + " ca-cert.pem is there, and client-cert.pem and client-key.pem if the server asks for them")
                    .formatted(name, CERTIFICATES));
        }
        String plain = "nbd" + name.substring("nbds".length());
        boolean unix = plain.startsWith("nbd+unix:");
        NbdUrl url = parse(unix || question < 0 ? plain : plain.substring(0, question - 1));
        Optional<String> host = url.address instanceof InetSocketAddress tcp ? Optional.of(tcp.getHostString()) : Optional.empty();
        Tls how = new Tls(Path.of(certificates.get()), parameter(query, HOSTNAME).or(() -> host));
        return new NbdUrl(url.address, url.export, url.shown, Optional.of(how));
    }

    private static Optional<String> parameter(String query, String name) {
        for (String pair : query.split("&")) {
            if (pair.startsWith(name + "=")) return Optional.ofNullable(decoded(pair.substring(name.length() + 1)));
        }
        return Optional.empty();
    }

    /// The address of an export, in the form with slashes.
    ///
    /// @param path of a UNIX socket; empty: TCP, of `host` and `port`
    public static String of(Optional<String> path, String host, int port, String export, Optional<Tls> tls) {
        StringBuilder name = new StringBuilder(tls.isPresent() ? "nbds" : "nbd");
        if (path.isPresent()) name.append("+unix:///").append(encoded(export)).append("?socket=").append(encoded(path.get()));
        else name.append("://%s:%d/%s".formatted(host, port, encoded(export)));
        tls.ifPresent(how -> {
            name.append(path.isPresent() ? '&' : '?').append(CERTIFICATES + "=").append(encoded(how.certificates.toString()));
            how.hostname.ifPresent(its -> name.append("&" + HOSTNAME + "=").append(encoded(its)));
        });
        return name.toString();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
    }

    private static NbdUrl unix(String name) {
        try {
            URI uri = new URI(name);
            String query = uri.getQuery() == null ? "" : uri.getQuery();
            Matcher socket = Pattern.compile("(?:^|&)socket=([^&]*)").matcher(query);
            if (!socket.find() || socket.group(1).isEmpty()) throw invalid(name);
            String path = uri.getPath() == null ? "" : uri.getPath();
            return unix(socket.group(1), path.replaceFirst("^/+", ""));
        } catch (URISyntaxException e) {
            throw invalid(name);
        }
    }

    private static BlockException invalid(String name) {
        return BlockException.invalid("Could not open '%s': No valid URL specified".formatted(name));
    }

    private static NbdUrl unix(String path, @Nullable String export) {
        return new NbdUrl(UnixDomainSocketAddress.of(path), export == null ? "" : export, path, Optional.empty());
    }

    private static NbdUrl tcp(String name, String host, @Nullable String port, @Nullable String export) {
        int number = port == null ? Nbd.DEFAULT_PORT : Integer.parseInt(port.substring(0, Math.min(6, port.length())));
        if (number > 0xffff) throw BlockException.invalid("Could not open '%s': there is no port %s".formatted(name, port));
        String plain = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new NbdUrl(new InetSocketAddress(plain, number), export == null ? "" : export, host + ":" + number, Optional.empty());
    }

    private static @Nullable String decoded(@Nullable String export) {
        return export == null ? null : URLDecoder.decode(export.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
