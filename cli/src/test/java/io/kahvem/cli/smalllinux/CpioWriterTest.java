package io.kahvem.cli.smalllinux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpioWriterTest {
    private static byte[] archive() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (CpioWriter cpio = new CpioWriter(bytes)) {
            cpio.directory("etc");
            cpio.file("etc/motd", 0644, "hello\n");
            cpio.link("init", "bin/busybox");
            cpio.characterDevice("console", 0600, 5, 1);
        }
        return bytes.toByteArray();
    }

    @Test
    void headersAndPaddingFollowTheNewAsciiFormat() throws IOException {
        String text = new String(archive(), StandardCharsets.ISO_8859_1);
        assertThat(text).startsWith("07070100000001000041ED000000000000000000000002000000000000000000000000000000000000000000000000"
                + "0000000400000000etc\0" + "\0\0" + "070701");
        assertThat(text.length() % 4).isZero();
        for (int at = text.indexOf("070701"); at >= 0; at = text.indexOf("070701", at + 1)) assertThat(at % 4).isZero();
        assertThat(text).contains("TRAILER!!!\0");
    }

    @Test
    void cpioReadsIt(@TempDir Path directory) throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/cpio")), "cpio is not installed");
        Path file = Files.write(directory.resolve("archive"), archive());
        Process cpio = new ProcessBuilder("/usr/bin/cpio", "-tvn").redirectInput(file.toFile()).redirectErrorStream(true).start();
        String listing = new String(cpio.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(cpio.waitFor()).isZero();
        assertThat(listing).containsPattern("drwxr-xr-x .* etc\n").containsPattern("-rw-r--r-- .* 6 .* etc/motd\n")
                .contains("init -> bin/busybox").containsPattern("crw------- .* 5, +1 .* console\n");
    }
}
