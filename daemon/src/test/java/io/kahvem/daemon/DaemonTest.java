package io.kahvem.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.daemon.rpc.Limits;
import io.kahvem.libvirt.protocol.Common;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Program;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The daemon on its sockets, asked in raw packets.
@SuppressWarnings("NullAway.Init") // before each test
@Timeout(180)
final class DaemonTest {
    private static final String DOMAIN = "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os></domain>";

    private DaemonConfig config;
    private Daemon daemon;

    @BeforeEach
    void start(@TempDir Path directory) {
        config = new DaemonConfig(directory.resolve("sock"), directory.resolve("sock-ro"), directory.resolve("state"),
                directory.resolve("run"), Optional.empty(), "qemu:///system", Path.of("/usr/bin/kahvem"),
                MachineStarter.of(List.of()), Limits.DEFAULT);
        daemon = Daemon.start(config, () -> false);
    }

    @AfterEach
    void stop() {
        daemon.close();
    }

    private Wire connect() throws IOException {
        return new Wire(config.socket());
    }

    private static Header remote(int procedure, int serial) {
        return Header.of(Program.REMOTE.number(), procedure, MessageType.CALL, serial, Status.OK);
    }

    @Test
    void aProcedureThatIsNotThereIsAnsweredInTheWordsClientsKnow() throws IOException {
        try (Wire wire = connect().open()) {
            for (int procedure : new int[] {9999, 107, -1}) {
                ErrorMessage error = wire.failing(remote(procedure, 7));
                assertThat(error.code()).isEqualTo(39);
                assertThat(error.domain()).isEqualTo(7);
                assertThat(error.message()).contains("unknown procedure: " + procedure);
            }
        }
    }

    @Test
    void aProgramThatIsNotThereIsNamed() throws IOException {
        try (Wire wire = connect()) {
            assertThat(wire.failing(new Header(0x12345678, 1, 1, 0, 3, 0)).message()).contains("Cannot find program 305419896 version 1");
            assertThat(wire.failing(new Header(Program.REMOTE.number(), 2, 1, 0, 3, 0)).message())
                    .contains("Cannot find program 536903814 version 2");
        }
    }

    @Test
    void nothingIsAnsweredBeforeTheConnectionIsOpenAndItOpensOnce() throws IOException {
        try (Wire wire = connect()) {
            assertThat(wire.failing(remote(59, 0)).message()).contains("internal error: hypervisor connection not open");
            wire.open();
            assertThat(wire.call(Connections.GET_TYPE, new Common.None()).text()).isEqualTo("QEMU");
            assertThatThrownBy(wire::open).hasMessage("internal error: connection already open");
        }
    }

    @Test
    void argumentsThatAreNoneAreRefusedAndTheConnectionGoesOn() throws IOException {
        try (Wire wire = connect().open()) {
            assertThat(wire.failing(remote(23, 1), (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff).message())
                    .contains("Unable to decode message payload");
            assertThat(wire.call(Connections.GET_LIB_VERSION, new Common.None()).value()).isEqualTo(9_000_000);
        }
    }

    @Test
    void aReadOnlyConnectionChangesNothing() throws IOException {
        try (Wire wire = new Wire(config.readOnlySocket()).open()) {
            assertThatThrownBy(() -> wire.call(Domains.DEFINE_XML, new Common.Text(DOMAIN)))
                    .hasMessage("operation forbidden: read only access prevents virDomainDefineXML");
            assertThat(wire.call(Domains.LIST_ALL, new Common.ListAll(1, 0)).domains()).isEmpty();
        }
    }

    @Test
    void aPacketLengthThatIsNoneEndsThatConnectionAlone() throws IOException {
        try (Wire other = connect().open(); Wire wire = connect()) {
            wire.send(ByteBuffer.allocate(4).putInt(27).flip());
            assertThat(wire.reader.read()).isNull();
            assertThat(other.call(Connections.GET_TYPE, new Common.None()).text()).isEqualTo("QEMU");
        }
    }

    @Test
    void callsSentAtOnceAreAllAnswered() throws IOException {
        try (Wire wire = connect().open()) {
            Set<Integer> serials = new HashSet<>();
            for (int n = 100; n < 300; n++) {
                wire.send(Packet.encode(remote(59, n), new byte[0], 0, 0));
                serials.add(n);
            }
            for (int n = 0; n < 200; n++) assertThat(serials.remove(wire.read().header().serial())).isTrue();
        }
    }

    @Test
    void aPingIsAnswered() throws IOException {
        try (Wire wire = connect()) {
            Header ping = Header.of(Program.KEEPALIVE.number(), 1, MessageType.MESSAGE, 0, Status.OK);
            wire.send(Packet.encode(ping, new byte[0], 0, 0));
            assertThat(wire.read().header()).isEqualTo(Header.of(Program.KEEPALIVE.number(), 2, MessageType.MESSAGE, 0, Status.OK));
        }
    }

    @Test
    void definitionsAreThereAgainAfterARestartAndATornOneIsSetAside() throws IOException {
        try (Wire wire = connect().open()) {
            wire.call(Domains.DEFINE_XML, new Common.Text(DOMAIN));
            wire.call(Domains.DEFINE_XML, new Common.Text(DOMAIN.replace(">a<", ">b<")));
        }
        daemon.close();
        Path torn = config.state().resolve("domains/b.xml");
        Files.writeString(torn, Files.readString(torn).substring(0, 100), UTF_8);
        daemon = Daemon.start(config, () -> false);
        try (Wire wire = connect().open()) {
            assertThat(wire.call(Domains.LIST_ALL, new Common.ListAll(1,
                    0)).domains()).extracting(Common.DomainRef::name).containsExactly("a");
            assertThatThrownBy(() -> wire.call(Domains.LOOKUP_BY_NAME, new Common.Text("b")))
                    .hasMessage("Domain not found: no domain with matching name 'b'");
        }
        assertThat(config.state().resolve("domains/b.xml.broken")).exists();
    }

    @Test
    void twoDaemonsDoNotShareASocket() {
        assertThatThrownBy(() -> Daemon.start(config,
                () -> false)).isInstanceOf(DaemonException.class).hasMessageContaining("another daemon listens");
    }
}
