package io.kahvem.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.daemon.rpc.Limits;
import io.kahvem.host.Descriptor;
import io.kahvem.host.LocalSocket;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.TextFlags;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.PacketReader;
import io.kahvem.libvirt.rpc.Status;
import io.kahvem.libvirt.xdr.XdrWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Descriptors that come with calls, as libvirt sends them: their count before the arguments, each with an octet behind the packet.
@Timeout(180)
@SuppressWarnings("NullAway.Init") // before each test
final class DescriptorsTest {
    private static final String DOMAIN = "<domain type='qemu'><name>a</name><memory>65536</memory>"
            + "<os><type>hvm</type><kernel>/nowhere</kernel></os></domain>";
    private static final int FD_PASSING = 8;

    private Daemon daemon;
    private LocalSocket socket;
    private PacketReader reader;
    private int serial;

    @BeforeEach
    void connect(@TempDir Path directory) throws IOException {
        assumeTrue(LocalSocket.passesDescriptors(), "this host passes no descriptors");
        daemon = Daemon.start(new DaemonConfig(directory.resolve("sock"), directory.resolve("sock-ro"), directory.resolve("state"),
                directory.resolve("run"), Optional.empty(), "qemu:///system", Path.of("/usr/bin/kahvem"),
                MachineStarter.of(List.of("/bin/false")), Limits.DEFAULT), () -> false);
        socket = LocalSocket.connect(directory.resolve("sock"));
        reader = new PacketReader(Channels.newChannel(new InputStream() {
            @Override
            public int read() {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] into, int offset, int length) {
                return socket.read(into, offset, length);
            }
        }));
        call(Connections.OPEN, new Connections.Open(Optional.of("qemu:///system"), 0));
    }

    @AfterEach
    void stop() {
        if (daemon == null) return;
        socket.close();
        daemon.close();
    }

    private <A extends Record, R extends Record> R call(Procedure<A, R> procedure, A arguments) throws IOException {
        write(Packet.encode(Header.call(procedure, serial++), procedure.argumentsCodec(), arguments));
        Packet answer = read();
        if (answer.header().status() == Status.ERROR) throw answer.decode(ErrorMessage.CODEC).toException();
        return answer.decode(procedure.resultCodec());
    }

    /// @param count what the packet says of the descriptors behind it
    private <A extends Record> void sendWithDescriptors(Procedure<A, ?> procedure, A arguments, int count, int sent) throws IOException {
        XdrWriter payload = new XdrWriter();
        payload.writeInt(count);
        procedure.argumentsCodec().write(payload, arguments);
        byte[] bytes = payload.toBytes();
        Header header = Header.of(procedure.program().number(), procedure.number(), MessageType.CALL_WITH_FDS, serial++, Status.OK);
        write(Packet.encode(header, bytes, 0, bytes.length));
        for (int n = 0; n < sent; n++) {
            try (Descriptor file = Descriptor.openForReading("/dev/null")) {
                socket.write(new byte[1], 0, 1, List.of(file));
            }
        }
    }

    private void write(ByteBuffer packet) {
        socket.write(packet.array(), packet.position(), packet.remaining());
    }

    private Packet read() throws IOException {
        Packet packet = reader.read();
        if (packet == null) throw new IOException("closed");
        return packet;
    }

    @Test
    void theyAreTakenWithTheirCallAndRefusedAsLibvirtsDriverForQemuDoes() throws IOException {
        assertThat(call(Connections.SUPPORTS_FEATURE, new IntValue(FD_PASSING)).value()).isEqualTo(1);
        DomainRef domain = call(Domains.DEFINE_XML_FLAGS, new TextFlags(DOMAIN, 0));
        for (int count : new int[] {1, 3, 32}) {
            sendWithDescriptors(Domains.CREATE_WITH_FILES, new Domains.DomainFlags(domain, 0), count, count);
            Packet answer = read();
            assertThat(answer.header().serial()).isEqualTo(serial - 1);
            assertThat(answer.decode(ErrorMessage.CODEC).toException())
                    .hasMessage("this function is not supported by the connection driver: virDomainCreateWithFiles");
        }
        sendWithDescriptors(Domains.CREATE_WITH_FILES, new Domains.DomainFlags(domain, 0), 0, 0);
        assertThat(read().decode(ErrorMessage.CODEC).toException()).hasMessageContaining("/nowhere");
        assertThat(call(Domains.NUM_OF_DEFINED, new None()).value()).isEqualTo(1);
    }

    @Test
    void aCallWhoseDescriptorsDoNotComeCostsItsClientTheConnection() throws IOException {
        DomainRef domain = call(Domains.DEFINE_XML_FLAGS, new TextFlags(DOMAIN, 0));
        sendWithDescriptors(Domains.CREATE_WITH_FILES, new Domains.DomainFlags(domain, 0), 2, 0);
        socket.write(new byte[2], 0, 2);
        assertThat(reader.read()).isNull();
    }

    @Test
    void descriptorsWithoutACallCostTheirClientTheConnection() throws IOException {
        List<Descriptor> files = new ArrayList<>();
        for (int n = 0; n < 65; n++) files.add(Descriptor.openForReading("/dev/null"));
        socket.write(new byte[1], 0, 1, files);
        files.forEach(Descriptor::close);
        assertThat(reader.read()).isNull();
    }

    @Test
    void aCallWithMoreThanLibvirtPassesCostsItsClientTheConnection() throws IOException {
        DomainRef domain = call(Domains.DEFINE_XML_FLAGS, new TextFlags(DOMAIN, 0));
        sendWithDescriptors(Domains.CREATE_WITH_FILES, new Domains.DomainFlags(domain, 0), 33, 0);
        assertThat(reader.read()).isNull();
    }
}
