package io.kahvem.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The client against libvirtd itself: one of a user's own, in a directory of its own, by libvirt's test driver and by its QEMU driver.
@Timeout(60)
@SuppressWarnings("NullAway.Init") // before all tests
class LibvirtdTest {
    private static final Path LIBVIRTD = Path.of("/usr/sbin/libvirtd");
    private static final String DOMAIN =
            "<domain type='%s'><name>%s</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>";

    private static Path directory;
    private static Process libvirtd;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(LIBVIRTD), "no libvirtd here: apt-get install libvirt-daemon");
        directory = Files.createTempDirectory("libvirtd");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        List<String> command = new ArrayList<>();
        // Root's would be the system's.
        if ("root".equals(System.getProperty("user.name"))) {
            command.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
        }
        command.add(LIBVIRTD.toString());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(Map.of("XDG_RUNTIME_DIR", directory.toString(), "HOME", directory.toString(),
                "XDG_CONFIG_HOME", directory.resolve("config").toString(), "XDG_CACHE_HOME", directory.resolve("cache").toString()));
        libvirtd = builder.redirectErrorStream(true).redirectOutput(directory.resolve("log").toFile()).start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!answers() && libvirtd.isAlive() && System.nanoTime() < deadline) Thread.sleep(50);
        assumeTrue(answers(), "libvirtd does not start here: " + Files.readString(directory.resolve("log")));
    }

    private static boolean answers() {
        try (Connection connection = Connection.open(uri("test", "default"))) {
            return connection.isOpen();
        } catch (LibvirtException notYet) {
            return false;
        }
    }

    @AfterAll
    static void stop() throws IOException, InterruptedException {
        if (libvirtd != null) {
            libvirtd.destroy();
            libvirtd.waitFor();
        }
        if (directory == null) return;
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(file);
        }
    }

    private static String uri(String driver, String path) {
        return "%s+unix:///%s?socket=%s".formatted(driver, path, directory.resolve("libvirt/libvirt-sock"));
    }

    private static boolean hasQemuDriver() {
        try (Connection connection = Connection.open(uri("qemu", "session"))) {
            return connection.isOpen();
        } catch (LibvirtException e) {
            if (e.code() == ErrorCode.NO_CONNECT) return false;
            throw e;
        }
    }

    @Test
    void aMachineOfTheTestDriverLivesAndIsTold() throws InterruptedException {
        try (Connection connection = Connection.open(uri("test", "default"))) {
            LinkedBlockingQueue<Connection.LifecycleEvent> events = new LinkedBlockingQueue<>();
            try (Connection.Subscription ignored = connection.onLifecycle(events::add)) {
                Domain machine = connection.define(DOMAIN.formatted("test", "kahvem")).start();
                assertThat(machine.state()).isEqualTo(Domain.State.RUNNING);
                machine.suspend();
                assertThat(machine.info().state()).isEqualTo(Domain.State.PAUSED);
                machine.resume();
                machine.destroy();
                machine.undefine();
                List<Integer> kinds = new ArrayList<>();
                for (int n = 0; n < 6; n++) {
                    Connection.LifecycleEvent event = events.poll(10, TimeUnit.SECONDS);
                    assertThat(event).as("after " + kinds).isNotNull();
                    assertThat(event.domain().name()).isEqualTo("kahvem");
                    kinds.add(event.event());
                }
                // Defined, started, suspended, resumed, stopped, undefined.
                assertThat(kinds).containsExactly(0, 2, 3, 4, 5, 1);
            }
            assertThat(connection.domains()).extracting(Domain::name).containsExactly("test");
        }
    }

    @Test
    void refusalsHaveTheirKinds() {
        try (Connection connection = Connection.open(uri("test", "default"))) {
            assertThatThrownBy(() -> connection.domain("none")).isInstanceOf(NotFoundException.class)
                    .hasMessageStartingWith("Domain not found");
            Domain off = connection.define(DOMAIN.formatted("test", "off"));
            assertThatThrownBy(off::destroy).isInstanceOf(InvalidStateException.class);
            off.undefine();
            assertThatThrownBy(() -> connection.define("<domain")).isInstanceOf(InvalidInputException.class);
        }
        try (Connection connection = Connection.with().readOnly().open(uri("test", "default"))) {
            assertThatThrownBy(() -> connection.domain("test").destroy()).isInstanceOf(DeniedException.class);
        }
    }

    @Test
    void theQemuDriverIsAsked() throws IOException {
        assumeTrue(hasQemuDriver(), "libvirtd has no QEMU driver here: apt-get install libvirt-daemon-driver-qemu");
        try (Connection connection = Connection.open(uri("qemu", "session"))) {
            assertThat(connection.capabilities()).contains("<host>");
            assertThat(connection.libraryVersion()).isGreaterThan(5_000_000);
            Path target = Files.createDirectories(directory.resolve("pool"));
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxrwxrwx"));
            StoragePool pool = connection.definePool(
                    "<pool type='dir'><name>kahvem</name><target><path>%s</path></target></pool>".formatted(target));
            pool.start();
            StorageVolume volume = pool.createVolume(
                    "<volume><name>v</name><capacity>1048576</capacity><target><format type='raw'/></target></volume>");
            byte[] content = "content ".repeat(50_000).getBytes(StandardCharsets.US_ASCII);
            volume.upload(new ByteArrayInputStream(content));
            ByteArrayOutputStream back = new ByteArrayOutputStream();
            volume.download(back);
            assertThat(back.toByteArray()).hasSize(1 << 20).startsWith(content);
            volume.delete();
            pool.stop();
            pool.undefine();
        }
    }
}
