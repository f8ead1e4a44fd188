package io.kahvem.libvirt;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Where a daemon is, by libvirt's connection URIs: `qemu:///system`, `qemu+unix:///session?socket=PATH`, `qemu+tcp://HOST/system`,
/// `qemu+tls://HOST:PORT/system`.
///
/// @param driver what the daemon is told: the URI without transport, host and parameters
/// @param socket of [Transport#UNIX]
/// @param host of the others
record ConnectionUri(Transport transport, String driver, Path socket, String host, int port, Map<String, String> parameters) {
    private static final int TCP_PORT = 16509;
    private static final int TLS_PORT = 16514;

    enum Transport { UNIX, TCP, TLS }

    /// Throws [InvalidInputException] for what is none.
    ///
    /// @param readOnly chooses among the standard sockets
    static ConnectionUri parse(String text, boolean readOnly, Map<String, String> environment) {
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw invalid("%s is no URI: %s".formatted(text, e.getReason()));
        }
        String scheme = Optional.ofNullable(uri.getScheme()).orElseThrow(() -> invalid("%s has no scheme".formatted(text)));
        String[] parts = scheme.split("\\+", 2);
        String host = Optional.ofNullable(uri.getHost()).orElse("");
        Map<String, String> parameters = parameters(Optional.ofNullable(uri.getRawQuery()).orElse(""));
        String named = parts.length == 2 ? parts[1] : host.isEmpty() ? "unix" : "tls";
        Transport transport = switch (named) {
            case "unix" -> Transport.UNIX;
            case "tcp" -> Transport.TCP;
            case "tls" -> Transport.TLS;
            default -> throw invalid("transport \"%s\" of %s is not supported; there are unix, tcp and tls".formatted(named, text));
        };
        if (transport != Transport.UNIX && host.isEmpty()) throw invalid("%s names no host".formatted(text));
        String path = Optional.ofNullable(uri.getPath()).orElse("");
        int port = uri.getPort() > 0 ? uri.getPort() : transport == Transport.TCP ? TCP_PORT : TLS_PORT;
        Path socket = parameters.containsKey("socket")
                ? Path.of(parameters.get("socket")) : standardSocket(path, readOnly, environment);
        return new ConnectionUri(transport, parts[0] + "://" + path, socket, host, port, parameters);
    }

    /// As libvirt's client looks for it: the QEMU daemon's own socket, then the one of all drivers.
    private static Path standardSocket(String path, boolean readOnly, Map<String, String> environment) {
        String home = environment.getOrDefault("HOME", "/");
        Path directory = path.equals("/session")
                ? Path.of(environment.getOrDefault("XDG_RUNTIME_DIR", home + "/.cache")).resolve("libvirt") : Path.of("/run/libvirt");
        // Of a user's own daemon there is but one.
        String suffix = readOnly && !path.equals("/session") ? "-ro" : "";
        Path own = directory.resolve("virtqemud-sock" + suffix);
        return Files.exists(own) ? own : directory.resolve("libvirt-sock" + suffix);
    }

    private static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new TreeMap<>();
        for (String part : query.split("&")) {
            if (part.isEmpty()) continue;
            int equals = part.indexOf('=');
            String key = equals < 0 ? part : part.substring(0, equals);
            String value = equals < 0 ? "" : part.substring(equals + 1);
            parameters.put(key.toLowerCase(Locale.ROOT), URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8));
        }
        return parameters;
    }

    private static LibvirtException invalid(String message) {
        return LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.URI, message);
    }
}
