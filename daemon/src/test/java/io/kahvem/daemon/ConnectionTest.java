package io.kahvem.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.daemon.rpc.Limits;
import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.ConnectionLostException;
import io.kahvem.libvirt.DeniedException;
import io.kahvem.libvirt.Domain;
import io.kahvem.libvirt.InvalidInputException;
import io.kahvem.libvirt.InvalidStateException;
import io.kahvem.libvirt.NotFoundException;
import io.kahvem.libvirt.StoragePool;
import io.kahvem.libvirt.StorageVolume;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The client in Java against the daemon.
@Timeout(180)
@SuppressWarnings("NullAway.Init") // before each test
final class ConnectionTest {
    private static final String DOMAIN =
            "<domain type='qemu'><name>%s</name><memory unit='MiB'>64</memory><os><type>hvm</type><kernel>/nowhere</kernel></os></domain>";

    private Path directory;
    private Daemon daemon;

    @BeforeEach
    void start(@TempDir Path directory) {
        this.directory = directory;
        daemon = Daemon.start(new DaemonConfig(directory.resolve("sock"), directory.resolve("sock-ro"), directory.resolve("state"),
                directory.resolve("run"), Optional.empty(), "qemu:///system", Path.of("/usr/bin/kahvem"),
                MachineStarter.of(List.of("/bin/false")),
                Limits.DEFAULT), () -> false);
    }

    @AfterEach
    void stop() {
        daemon.close();
    }

    private String uri() {
        return "qemu:///system?socket=" + directory.resolve("sock");
    }

    @Test
    void machinesAreDefinedFoundDescribedAndUndefined() {
        try (Connection connection = Connection.open(uri())) {
            Domain domain = connection.define(DOMAIN.formatted("a"));
            assertThat(connection.domain("a").uuid()).isEqualTo(domain.uuid());
            assertThat(connection.domain(domain.uuid()).describe()).contains("<name>a</name>");
            assertThat(domain.state()).isEqualTo(Domain.State.SHUTOFF);
            assertThat(domain.info().memoryKib()).isEqualTo(65536);
            domain.setAutostart(true);
            assertThat(domain.isAutostart()).isTrue();
            assertThat(domain.statistics()).containsKey("state.state");
            domain.undefine();
            assertThat(connection.domains()).isEmpty();
        }
    }

    @Test
    void failuresHaveTheirKinds() {
        try (Connection connection = Connection.open(uri())) {
            assertThatThrownBy(() -> connection.domain("none")).isInstanceOf(NotFoundException.class);
            assertThatThrownBy(() -> connection.define("<domain/>")).isInstanceOf(InvalidInputException.class);
            Domain domain = connection.define(DOMAIN.formatted("a"));
            assertThatThrownBy(domain::suspend).isInstanceOf(InvalidStateException.class).hasMessageContaining("domain is not running");
            assertThatThrownBy(domain::start).hasMessage("Cannot access storage file '/nowhere': No such file or directory");
            assertThat(domain.state()).isEqualTo(Domain.State.SHUTOFF);
        }
        try (Connection connection = Connection.with().readOnly().open(uri())) {
            assertThatThrownBy(() -> connection.define(DOMAIN.formatted("b"))).isInstanceOf(DeniedException.class);
        }
        assertThatThrownBy(() -> Connection.open("qemu:///system?socket=/nowhere")).isInstanceOf(ConnectionLostException.class);
        assertThatThrownBy(() -> Connection.open("qemu+ssh://host/system")).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void whatHappensIsToldInOrder() throws InterruptedException {
        BlockingQueue<String> told = new LinkedBlockingQueue<>();
        try (Connection connection = Connection.open(uri())) {
            Domain domain;
            try (Connection.Subscription ignored = connection.onLifecycle(event ->
                    told.add("%s %d/%d".formatted(event.domain().name(), event.event(), event.detail())))) {
                domain = connection.define(DOMAIN.formatted("a"));
                connection.define(domain.describeInactive());
                domain.undefine();
                for (String expected : List.of("a 0/0", "a 0/1", "a 1/0")) assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(expected);
            }
            connection.define(DOMAIN.formatted("b"));
            assertThat(connection.domains()).hasSize(1);
            assertThat(told).isEmpty();
        }
    }

    @Test
    void volumesGoUpAndComeDownWhole() throws IOException {
        byte[] content = new byte[1_500_000];
        new Random(5).nextBytes(content);
        try (Connection connection = Connection.open(uri())) {
            StoragePool pool = connection.definePool(
                    "<pool type='dir'><name>p</name><target><path>%s</path></target></pool>".formatted(directory.resolve("pool")));
            assertThatThrownBy(pool::start).hasMessageContaining("cannot open directory");
            pool.build();
            pool.start();
            StorageVolume volume = pool.createVolume(
                    "<volume><name>v</name><capacity unit='MiB'>2</capacity><allocation>0</allocation></volume>");
            volume.upload(new ByteArrayInputStream(content));
            ByteArrayOutputStream down = new ByteArrayOutputStream();
            volume.download(down);
            byte[] whole = down.toByteArray();
            assertThat(whole).hasSize(2 << 20).startsWith(content);
            volume.resize(3 << 20);
            assertThat(volume.info().capacity()).isEqualTo(3 << 20);
            volume.delete();
            assertThat(pool.volumes()).isEmpty();
        }
    }

    @Test
    void aConnectionThatIsLostSaysSo() {
        Connection connection = Connection.open(uri());
        daemon.close();
        assertThatThrownBy(() -> {
            while (true) connection.hostname();
        }).isInstanceOf(ConnectionLostException.class);
        connection.close();
    }
}
