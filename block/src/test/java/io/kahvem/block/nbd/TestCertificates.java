package io.kahvem.block.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.kahvem.block.QemuTools;
import io.kahvem.block.QemuTools.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/// Certificates for tests, made by GnuTLS's certtool as QEMU's manual has it: `ca-cert.pem`, and those of a server and a client.
final class TestCertificates {
    private TestCertificates() {}

    /// Skips the test where a tool is not installed, and says so.
    static void needed(String tool, String packageName) {
        boolean there = Arrays.stream(System.getenv("PATH").split(":")).anyMatch(dir -> Files.isExecutable(Path.of(dir, tool)));
        if (there) return;
        String why = "%s is not installed (Debian: apt-get install %s)".formatted(tool, packageName);
        System.out.println("skipped: " + why);
        abort(why);
    }

    /// An authority in `directory`, and what it has signed: a server of the name `localhost`, and a client.
    static Path make(Path directory) throws IOException {
        needed("certtool", "gnutls-bin");
        Files.createDirectories(directory);
        key(directory, "ca");
        certificate(directory, "ca", "cn = test\nca\ncert_signing_key\n", "--generate-self-signed");
        String signed = "--load-ca-certificate=%1$s/ca-cert.pem --load-ca-privkey=%1$s/ca-key.pem --generate-certificate"
                .formatted(directory);
        key(directory, "server");
        String uses = "encryption_key\nsigning_key\n";
        certificate(directory, "server", "cn = localhost\ndns_name = localhost\ntls_www_server\n" + uses, signed.split(" "));
        key(directory, "client");
        certificate(directory, "client", "cn = somebody\ntls_www_client\n" + uses, signed.split(" "));
        return directory;
    }

    private static void key(Path directory, String who) {
        certtool("--generate-privkey", "--key-type=rsa", "--bits=2048", "--outfile=" + directory.resolve(who + "-key.pem"));
    }

    private static void certificate(Path directory, String who, String template, String... options) throws IOException {
        Path file = Files.writeString(directory.resolve(who + ".info"), template + "expiration_days = 10\n");
        Object[] all = Arrays.copyOf(options, options.length + 3, Object[].class);
        all[options.length] = "--template=" + file;
        all[options.length + 1] = "--load-privkey=" + directory.resolve(who + "-key.pem");
        all[options.length + 2] = "--outfile=" + directory.resolve(who + "-cert.pem");
        certtool(all);
    }

    private static void certtool(Object... arguments) {
        Result result = QemuTools.run("certtool", arguments);
        assertThat(result.status()).as("certtool %s: %s", Arrays.toString(arguments), result.output()).isZero();
    }
}
