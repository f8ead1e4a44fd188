package io.kahvem.block.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bytes;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

/// Clients and servers that do not keep to the protocol: the other end says so, and goes on.
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class NbdFuzzTest {
    private static final int SIZE = 1 << 20;

    @TempDir
    private Path dir;

    private UnixDomainSocketAddress address() {
        return UnixDomainSocketAddress.of(dir.resolve("sock"));
    }

    /// What a client of ours sends to a server of ours up to the first requests, with damage.
    private static ByteBuffer conversation(Random random) {
        ByteBuffer b = ByteBuffer.allocate(4096);
        b.putInt(random.nextInt(4) == 0 ? random.nextInt() : 3);
        int options = random.nextInt(4);
        for (int n = 0; n < options; n++) option(b, random.nextInt(14), random, random.nextInt(40));
        byte[] name = Nbd.BASE_ALLOCATION.getBytes(StandardCharsets.UTF_8);
        ByteBuffer context = ByteBuffer.allocate(64).putInt(0).putInt(1).putInt(name.length).put(name);
        if (random.nextBoolean()) {
            option(b, Nbd.OPT_STRUCTURED_REPLY, ByteBuffer.allocate(0));
            option(b, Nbd.OPT_SET_META_CONTEXT, context.flip());
        }
        option(b, Nbd.OPT_GO, ByteBuffer.allocate(6));
        int requests = random.nextInt(12);
        for (int n = 0; n < requests; n++) {
            int length = random.nextInt(4) == 0 ? random.nextInt() >>> random.nextInt(32) : random.nextInt(100);
            int flags = random.nextInt(3) == 0 ? random.nextInt(32) : 0;
            b.putInt(random.nextInt(20) == 0 ? random.nextInt() : Nbd.REQUEST_MAGIC).putShort((short) flags);
            int type = random.nextInt(9);
            b.putShort((short) type).putLong(n).putLong(random.nextLong(SIZE + 1000) >>> random.nextInt(30)).putInt(length);
            if (type == Nbd.CMD_WRITE && length >= 0 && length < 200) b.put(new byte[length]);
        }
        for (int n = random.nextInt(3); n > 0; n--) b.put(random.nextInt(b.position()), (byte) random.nextInt());
        return b.flip();
    }

    private static void option(ByteBuffer b, int option, Random random, int length) {
        byte[] data = new byte[length];
        if (random.nextBoolean()) random.nextBytes(data);
        option(b, option, ByteBuffer.wrap(data));
    }

    private static void option(ByteBuffer b, int option, ByteBuffer data) {
        b.putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(data.remaining()).put(data);
    }

    @Test
    void aServerOutlivesClientsThatSendAnything() throws IOException {
        Path file = dir.resolve("disk");
        Files.write(file, new byte[SIZE]);
        try (BlockNode node = Images.open(file.toString(), OpenOptions.writable("raw"));
                NbdServer server = NbdServer.start(
                        new NbdExport(node, "", null, false, true, null, 4), address(), true, Optional.empty(), line -> { })) {
            assertThat(server.address()).isNotNull();
            for (int seed = 0; seed < 400; seed++) {
                try (SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                    client.connect(address());
                    ByteBuffer talk = conversation(new Random(seed));
                    while (talk.hasRemaining()) client.write(talk);
                    client.shutdownOutput();
                    ByteBuffer answer = ByteBuffer.allocate(65_536);
                    while (client.read(answer.clear()) >= 0) answer.clear();
                } catch (IOException closed) {
                    assertThat(closed.getMessage()).containsAnyOf("Broken pipe", "reset");
                }
            }
            try (BlockNode client = Images.open("nbd+unix:///?socket=" + dir.resolve("sock"), OpenOptions.writable("raw"))) {
                client.write(0, Bytes.of((byte) 5));
                assertThat(Bytes.read(client, 0, 1)).containsExactly(5);
            }
        }
    }

    @Test
    void aClientSurvivesServersThatAnswerAnything() throws IOException {
        int opened = 0;
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address())) {
                Thread server = Thread.ofPlatform().daemon().start(() -> answer(listener, random));
                try (BlockNode node = Images.open("nbd+unix:///?socket=" + dir.resolve("sock"), OpenOptions.writable("raw"))) {
                    opened++;
                    Bytes.read(node, 0, 4096);
                    node.extentAt(0, 4096);
                    node.write(0, Bytes.zeros(4096));
                } catch (BlockException refused) {
                    assertThat(refused.getMessage()).isNotBlank();
                } catch (RuntimeException bug) {
                    fail("seed " + seed, bug);
                }
                server.interrupt();
            } finally {
                Files.deleteIfExists(dir.resolve("sock"));
            }
        }
        assertThat(opened).isPositive();
    }

    private static void answer(ServerSocketChannel listener, Random random) {
        try (SocketChannel client = listener.accept()) {
            ByteBuffer b = ByteBuffer.allocate(4096);
            b.putLong(Nbd.INIT_MAGIC).putLong(Nbd.OPTION_MAGIC).putShort((short) 3);
            for (int option : new int[] {Nbd.OPT_STRUCTURED_REPLY, Nbd.OPT_SET_META_CONTEXT, Nbd.OPT_GO}) {
                if (option == Nbd.OPT_GO) {
                    b.putLong(Nbd.OPTION_REPLY_MAGIC).putInt(option).putInt(Nbd.REP_INFO).putInt(12);
                    b.putShort((short) 0).putLong(SIZE).putShort((short) 0x6d);
                }
                if (option == Nbd.OPT_SET_META_CONTEXT) {
                    b.putLong(Nbd.OPTION_REPLY_MAGIC).putInt(option).putInt(Nbd.REP_META_CONTEXT).putInt(4 + 15).putInt(1);
                    b.put(Nbd.BASE_ALLOCATION.getBytes(StandardCharsets.UTF_8));
                }
                b.putLong(Nbd.OPTION_REPLY_MAGIC).putInt(option).putInt(Nbd.REP_ACK).putInt(0);
            }
            for (int cookie = 1; cookie < 4; cookie++) {
                int length = random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(30);
                int[] types = {0, 1, 2, 5, 0x8001, 99};
                b.putInt(random.nextInt(9) == 0 ? Nbd.SIMPLE_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC).putShort((short) random.nextInt(2));
                b.putShort((short) types[random.nextInt(types.length)]).putLong(cookie).putInt(length);
                for (int n = 0; n < length && n < 30; n++) b.put((byte) random.nextInt());
            }
            for (int n = random.nextInt(3); n > 0; n--) b.put(random.nextInt(b.position()), (byte) random.nextInt());
            b.flip();
            while (b.hasRemaining()) client.write(b);
            client.shutdownOutput();
            ByteBuffer rest = ByteBuffer.allocate(4096);
            while (client.read(rest.clear()) >= 0) rest.clear();
        } catch (IOException gone) {
            return; // the client has had enough
        }
    }
}
