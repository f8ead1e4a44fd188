package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Where a served disk is, in the forms QEMU takes: `nbd://HOST[:PORT]/[EXPORT]`, `nbd+unix:///[EXPORT]?socket=PATH`,
/// `nbd:HOST:PORT[:exportname=EXPORT]`, `nbd:unix:PATH[:exportname=EXPORT]`.
///
/// @param shown the address, for messages
public record NbdUrl(SocketAddress address, String export, String shown) {
    /// A path makes one slash of two.
    private static final Pattern TCP = Pattern.compile("nbd(?:\\+tcp)?://?(\\[[^]]+\\]|[^/:?\\[\\]]+)(?::(\\d+))?(?:/(.*))?");
    private static final Pattern OLD_UNIX = Pattern.compile("nbd:unix:(.+?)(?::exportname=(.*))?");
    private static final Pattern OLD_TCP = Pattern.compile("nbd:([^/:]+|\\[[^]]+\\]):(\\d+)(?::exportname=(.*))?");

    /// Whether a file's name is such an address.
    public static boolean isOne(String name) {
        return name.startsWith("nbd:") || name.startsWith("nbd+");
    }

    /// Throws [BlockException] in qemu-img's words.
    public static NbdUrl parse(String name) {
        if (name.startsWith("nbd+unix:")) return unix(name);
        Matcher m = OLD_UNIX.matcher(name);
        if (m.matches()) return unix(m.group(1), m.group(2));
        m = OLD_TCP.matcher(name);
        if (m.matches()) return tcp(name, m.group(1), m.group(2), m.group(3));
        m = TCP.matcher(name);
        if (m.matches()) return tcp(name, m.group(1), m.group(2), decoded(m.group(3)));
        if (name.startsWith("nbds")) throw BlockException.invalid("Could not open '%s': TLS is not supported".formatted(name));
        throw BlockException.invalid("Could not open '%s': error parsing address '%s'".formatted(name, name.replaceFirst("^nbd:", "")));
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
        return new NbdUrl(UnixDomainSocketAddress.of(path), export == null ? "" : export, path);
    }

    private static NbdUrl tcp(String name, String host, @Nullable String port, @Nullable String export) {
        int number = port == null ? Nbd.DEFAULT_PORT : Integer.parseInt(port.substring(0, Math.min(6, port.length())));
        if (number > 0xffff) throw BlockException.invalid("Could not open '%s': there is no port %s".formatted(name, port));
        String plain = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new NbdUrl(new InetSocketAddress(plain, number), export == null ? "" : export, host + ":" + number);
    }

    private static @Nullable String decoded(@Nullable String export) {
        return export == null ? null : URLDecoder.decode(export.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
