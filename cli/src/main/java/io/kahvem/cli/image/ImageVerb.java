package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CacheMode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.nbd.NbdUrl;
import io.kahvem.block.nbd.TlsCredentials;
import io.kahvem.block.tool.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// What the verbs have in common: a failure is one line in qemu-img's words and exit status 1, nothing half-done.
abstract class ImageVerb implements Callable<Integer> {
    static final int OK = 0;
    static final int FAILED = 1;

    private static final List<String> NBD_OPTIONS = List.of("host", "port", "path", "export", "tls-creds", "tls-hostname");

    @Spec
    private @Nullable CommandSpec spec;

    /// Where a verb without picocli prints.
    private @Nullable PrintWriter plainOut;

    private @Nullable PrintWriter plainErr;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    @SuppressWarnings("UnusedVariable") // picocli reads it
    private boolean help;

    @Option(names = "-q", description = "Say nothing but errors.")
    private boolean quiet;

    @Option(names = "--object", paramLabel = "TYPE,id=ID,...",
            description = {"A passphrase, by its id: secret,id=ID,data=TEXT|file=PATH[,format=base64];",
                "or certificates for NBD: tls-creds-x509,id=ID,dir=DIRECTORY,endpoint=server|client[,verify-peer=on|off]."})
    private List<String> objects = List.of();

    @Option(names = "--image-opts", description = "File names are options: driver=FORMAT,file.filename=PATH,encrypt.key-secret=ID")
    private boolean imageOptions;

    abstract int run();

    @Override
    public final Integer call() {
        try {
            return run();
        } catch (BlockException e) {
            fail(e.getMessage());
            return FAILED;
        }
    }

    private CommandSpec spec() {
        if (spec == null) throw new AssertionError("run by picocli, which sets the spec");
        return spec;
    }

    /// For a verb that is run without picocli.
    void printTo(PrintWriter out, PrintWriter err) {
        plainOut = out;
        plainErr = err;
    }

    PrintWriter out() {
        return plainOut != null ? plainOut : spec().commandLine().getOut();
    }

    private PrintWriter err() {
        return plainErr != null ? plainErr : spec().commandLine().getErr();
    }

    /// An answer, unless it should be quiet.
    void say(String text) {
        if (!quiet) out().println(text);
        out().flush();
    }

    void fail(String message) {
        err().println("kahvem image: " + message);
        err().flush();
    }

    boolean isQuiet() {
        return quiet;
    }

    void beQuiet() {
        quiet = true;
    }

    Progress progress(boolean wanted) {
        if (!wanted || quiet) return Progress.NONE;
        long[] shown = {-1};
        return (done, total) -> {
            long hundredths = total == 0 ? 10_000 : Math.round(10_000.0 * done / total);
            if (hundredths - shown[0] < 100 && done < total) return;
            shown[0] = hundredths;
            out().printf("    (%3.2f/100%%)\r", hundredths / 100.0);
            if (done >= total) out().println();
            out().flush();
        };
    }

    // ---- opening

    /// Opens an image as the options say; `name` is a path or, with --image-opts, its options.
    BlockNode open(String name, OpenOptions options) {
        return Images.open(path(name), withImageOptions(name, options));
    }

    /// The file a name means.
    String path(String name) {
        if (!imageOptions) return TlsObjects.of(objects).withCertificates(name);
        Map<String, String> options = pairs(name);
        if (isNbd(options)) return nbdAddress(options);
        String file = options.getOrDefault("file.filename", options.get("filename"));
        if (file == null) throw BlockException.invalid("Could not open '%s': file.filename is missing".formatted(name));
        return file;
    }

    OpenOptions withImageOptions(String name, OpenOptions options) {
        Map<String, byte[]> secrets = secrets();
        OpenOptions with = options;
        if (imageOptions) {
            Map<String, String> given = pairs(name);
            for (String key : given.keySet()) {
                boolean known = List.of("driver", "filename", "file.driver", "file.filename", "encrypt.key-secret",
                        "encrypt.format").contains(key) || isNbd(given) && NBD_OPTIONS.contains(key.replaceFirst("^file\\.", ""));
                if (!known) throw BlockException.invalid("Could not open '%s': Invalid parameter '%s'".formatted(name, key));
            }
            String driver = given.get("driver");
            if (driver != null) with = with.withFormat(driver.equals("nbd") ? "raw" : driver);
            String secret = given.get("encrypt.key-secret");
            if (secret != null) {
                byte[] passphrase = secrets.get(secret);
                if (passphrase == null) throw BlockException.invalid("No secret with id '%s'".formatted(secret));
                return with.withPassphrase(passphrase);
            }
        }
        return secrets.size() == 1 ? with.withPassphrase(secrets.values().iterator().next()) : with;
    }

    private static boolean isNbd(Map<String, String> options) {
        return "nbd".equals(options.get("driver")) || "nbd".equals(options.get("file.driver"));
    }

    private String nbdAddress(Map<String, String> options) {
        String prefix = "nbd".equals(options.get("driver")) ? "" : "file.";
        String host = options.getOrDefault(prefix + "host", "localhost");
        Optional<String> path = Optional.ofNullable(options.get(prefix + "path"));
        Optional<String> hostname = Optional.ofNullable(options.get(prefix + "tls-hostname"))
                .or(() -> path.isPresent() ? Optional.empty() : Optional.of(host));
        Optional<NbdUrl.Tls> tls = Optional.ofNullable(options.get(prefix + "tls-creds"))
                .map(id -> new NbdUrl.Tls(clientDirectory(id), hostname));
        String port = options.getOrDefault(prefix + "port", "10809");
        if (!port.matches("[0-9]{1,5}")) throw BlockException.invalid("Invalid port number '%s'".formatted(port));
        return NbdUrl.of(path, host, Integer.parseInt(port), options.getOrDefault(prefix + "export", ""), tls);
    }

    /// Where the certificates of a client's --object are.
    Path clientDirectory(String id) {
        return TlsObjects.of(objects).clientDirectory(id);
    }

    /// The certificates of a server's --object.
    TlsCredentials serverCredentials(String id) {
        return TlsObjects.of(objects).server(id);
    }

    private Map<String, byte[]> secrets() {
        Map<String, byte[]> secrets = new HashMap<>();
        for (String object : objects) {
            if (TlsObjects.isOne(object)) continue;
            Map<String, String> given = pairs(object.replaceFirst("^secret,", "qom-type=secret,"));
            String id = given.get("id");
            if (!"secret".equals(given.get("qom-type")) || id == null) throw BlockException.invalid("invalid object type: " + object);
            secrets.put(id, secret(given, object));
        }
        return secrets;
    }

    private static byte[] secret(Map<String, String> given, String object) {
        String data = given.get("data");
        String file = given.get("file");
        byte[] bytes;
        try {
            if (data != null) bytes = data.getBytes(StandardCharsets.UTF_8);
            else if (file != null) bytes = Files.readAllBytes(Path.of(file));
            else throw BlockException.invalid("Either 'file' or 'data' must be provided: " + object);
        } catch (IOException e) {
            throw BlockException.invalid("Unable to read '%s': %s".formatted(file, e));
        }
        return "base64".equals(given.get("format")) ? Base64.getMimeDecoder().decode(bytes) : bytes;
    }

    // ---- options of the form name=value,...

    /// `a=b,c=d`; a comma within a value is doubled.
    static Map<String, String> pairs(String text) {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String pair : split(text)) {
            int equals = pair.indexOf('=');
            if (equals < 0) pairs.put(pair, "on");
            else pairs.put(pair.substring(0, equals), pair.substring(equals + 1));
        }
        return pairs;
    }

    private static List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        for (int n = 0; n < text.length(); n++) {
            if (text.charAt(n) != ',') {
                part.append(text.charAt(n));
            } else if (n + 1 < text.length() && text.charAt(n + 1) == ',') {
                part.append(',');
                n++;
            } else {
                parts.add(part.toString());
                part.setLength(0);
            }
        }
        if (!part.isEmpty()) parts.add(part.toString());
        return parts;
    }

    static void fill(CreateOptions options, List<String> given) {
        for (String text : given) pairs(text).forEach(options::set);
    }

    static boolean isHelp(List<String> given) {
        return given.stream().anyMatch(text -> text.equals("help") || text.equals("?"));
    }

    static CacheMode cache(@Nullable String name, CacheMode otherwise) {
        return name == null ? otherwise : CacheMode.of(name);
    }

    static boolean isJson(String output) {
        return switch (output) {
            case "json" -> true;
            case "human" -> false;
            default -> throw BlockException.invalid("--output must be used with human or json as argument.");
        };
    }
}
