package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.LibvirtException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The daemon on sockets that systemd has made, as kahvem.socket does: it starts when somebody first connects.
@Timeout(120)
final class SocketActivationTest {
    private static final Path TOOL = Path.of("/usr/bin/systemd-socket-activate");

    @TempDir
    Path directory;

    @Test
    void theDaemonServesTheSocketsThatAreHandedOnAndLeavesTheirFiles() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(TOOL), "no " + TOOL + " here");
        Path socket = directory.resolve("sock");
        Path reading = directory.resolve("sock-ro");
        Process process = new ProcessBuilder(TOOL.toString(), "-l", socket.toString(), "-l", reading.toString(),
                Guest.launcher().toString(), "daemon", "--socket", socket.toString(), "--state", directory.resolve("state").toString())
                        .redirectErrorStream(true).redirectOutput(directory.resolve("out").toFile()).start();
        try {
            while (!Files.exists(reading)) {
                assertThat(process.isAlive()).as("the tool, which said: " + Files.readString(directory.resolve("out"))).isTrue();
                Thread.onSpinWait();
            }
            try (Connection connection = Connection.open("qemu:///system?socket=" + socket)) {
                connection.define("<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os></domain>");
                assertThat(connection.domains()).hasSize(1);
            }
            try (Connection connection = Connection.open("qemu:///system?socket=" + reading)) {
                assertThat(connection.domains()).hasSize(1);
                assertThat(refusal(connection)).contains("read only access prevents");
            }
        } finally {
            process.destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(socket).exists();
        assertThat(reading).exists();
    }

    private static String refusal(Connection connection) {
        try {
            connection.domain("a").undefine();
            return "";
        } catch (LibvirtException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
