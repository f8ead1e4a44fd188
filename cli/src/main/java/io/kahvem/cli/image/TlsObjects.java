package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.nbd.NbdUrl;
import io.kahvem.block.nbd.TlsCredentials;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The certificates that `--object tls-creds-x509,id=ID,dir=DIRECTORY,endpoint=server|client` names.
record TlsObjects(Map<String, Credentials> byId) {
    private static final String TYPE = "tls-creds-x509,";

    /// @param needsPeer whether a server refuses clients without a certificate
    private record Credentials(Path directory, boolean server, boolean needsPeer) {}

    static boolean isOne(String object) {
        return object.startsWith(TYPE) || object.startsWith("qom-type=" + TYPE);
    }

    static TlsObjects of(List<String> objects) {
        Map<String, Credentials> byId = new HashMap<>();
        for (String object : objects) {
            if (!isOne(object)) continue;
            Map<String, String> given = ImageVerb.pairs(object.substring(object.indexOf(TYPE) + TYPE.length()));
            for (String key : given.keySet()) {
                if (!List.of("id", "dir", "endpoint", "verify-peer").contains(key)) {
                    throw BlockException.invalid("Invalid parameter '%s': %s".formatted(key, object));
                }
            }
            String id = given.get("id");
            String directory = given.get("dir");
            if (id == null || directory == null) throw BlockException.invalid("id and dir must be given: " + object);
            boolean server = switch (given.getOrDefault("endpoint", "client")) {
                case "server" -> true;
                case "client" -> false;
                default -> throw BlockException.invalid("endpoint is server or client: " + object);
            };
            boolean verify = switch (given.getOrDefault("verify-peer", "on")) {
                case "on", "yes", "true" -> true;
                case "off", "no", "false" -> false;
                default -> throw BlockException.invalid("verify-peer is on or off: " + object);
            };
            if (!server && !verify) throw BlockException.invalid("a client always verifies its server: " + object);
            byId.put(id, new Credentials(Path.of(directory).toAbsolutePath(), server, verify));
        }
        return new TlsObjects(byId);
    }

    private Credentials of(String id, boolean server) {
        Credentials found = byId.get(id);
        if (found == null) throw BlockException.invalid("No TLS credentials with id '%s'".formatted(id));
        if (found.server != server) {
            throw BlockException.invalid("Expecting TLS credentials with a %s endpoint".formatted(server ? "server" : "client"));
        }
        return found;
    }

    TlsCredentials server(String id) {
        Credentials found = of(id, true);
        return TlsCredentials.ofServer(found.directory, found.needsPeer);
    }

    Path clientDirectory(String id) {
        return of(id, false).directory;
    }

    /// An nbds: address that names no certificates has those of the client's object, where there is one.
    String withCertificates(String name) {
        if (!name.startsWith("nbds") || !NbdUrl.isOne(name) || name.contains("tls-certificates=")) return name;
        List<Credentials> clients = byId.values().stream().filter(each -> !each.server).toList();
        if (clients.size() != 1) return name;
        String directory = URLEncoder.encode(clients.getFirst().directory.toString(), StandardCharsets.UTF_8).replace("+", "%20");
        return name + (name.contains("?") ? "&" : "?") + "tls-certificates=" + directory;
    }
}
