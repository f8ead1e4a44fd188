package io.kahvem.libvirt.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PacketReaderTest {
    private static PacketReader reading(byte[] bytes) {
        return new PacketReader(Channels.newChannel(new ByteArrayInputStream(bytes)));
    }

    private static byte[] packet(int serial, byte[] data) {
        return Packet.encode(Header.of(1, 2, MessageType.CALL, serial, Status.OK), data, 0, data.length).array();
    }

    @Test
    void packetsArriveWholeWhateverPiecesTheyComeIn() throws IOException {
        Random random = new Random(7);
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        byte[][] payloads = new byte[40][];
        for (int n = 0; n < payloads.length; n++) {
            payloads[n] = new byte[n % 10 == 9 ? 300_000 : random.nextInt(200)];
            random.nextBytes(payloads[n]);
            sent.write(packet(n, payloads[n]));
        }
        ByteBuffer all = ByteBuffer.wrap(sent.toByteArray());
        PacketReader reader = new PacketReader(new ReadableByteChannel() {
            @Override
            public int read(ByteBuffer into) {
                if (!all.hasRemaining()) return -1;
                int count = Math.min(Math.min(1 + random.nextInt(5000), into.remaining()), all.remaining());
                into.put(all.slice(all.position(), count));
                all.position(all.position() + count);
                return count;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {}
        });
        for (int n = 0; n < payloads.length; n++) {
            Packet packet = reader.read();
            if (packet == null) throw new AssertionError("the end came before packet " + n);
            assertThat(packet.header().serial()).isEqualTo(n);
            assertThat(packet.payload()).isEqualTo(payloads[n]);
        }
        assertThat(reader.read()).isNull();
    }

    @Test
    void aLengthThatIsNoneEndsTheConnection() {
        for (int length : new int[] {0, 2, 27, Packet.MAX_BYTES + 1, -1}) {
            byte[] bytes = ByteBuffer.allocate(40).putInt(length).array();
            assertThatThrownBy(() -> reading(bytes).read()).isInstanceOf(ProtocolException.class);
        }
    }

    @Test
    void aPacketThatIsCutOffIsNotTakenForTheEnd() {
        byte[] whole = packet(1, new byte[100]);
        for (int length : new int[] {1, 4, 27, 28, 100}) {
            byte[] part = java.util.Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> reading(part).read()).isInstanceOf(EOFException.class);
        }
    }
}
