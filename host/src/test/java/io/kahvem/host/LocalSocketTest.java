package io.kahvem.host;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(20)
class LocalSocketTest {
    enum Kind {
        LINUX(LinuxServerSocket::listen, LinuxSocket::connect),
        CHANNEL(ChannelServerSocket::listen, ChannelSocket::connect);

        private final Function<Path, LocalServerSocket> listen;
        private final Function<Path, LocalSocket> connect;

        Kind(Function<Path, LocalServerSocket> listen, Function<Path, LocalSocket> connect) {
            this.listen = listen;
            this.connect = connect;
        }
    }

    @TempDir
    Path directory;

    private static void assume(Kind kind) {
        assumeTrue(kind == Kind.CHANNEL || Platform.hasLinuxCalls(), "this host's calls are not known");
    }

    private static LocalSocket accept(LocalServerSocket server) {
        LocalSocket accepted = server.accept();
        if (accepted == null) throw new AssertionError("closed");
        return accepted;
    }

    private static String read(LocalSocket socket, int length) {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length; ) {
            int count = socket.read(bytes, done, length - done);
            if (count < 0) throw new AssertionError("ended after " + done + " bytes");
            done += count;
        }
        return new String(bytes, UTF_8);
    }

    @ParameterizedTest
    @EnumSource
    void bytesGoBothWaysAndTheEndIsSeen(Kind kind) {
        assume(kind);
        Path path = directory.resolve("s");
        try (LocalServerSocket server = kind.listen.apply(path);
                LocalSocket client = kind.connect.apply(path);
                LocalSocket accepted = accept(server)) {
            client.write("hello".getBytes(UTF_8), 0, 5);
            assertThat(read(accepted, 5)).isEqualTo("hello");
            String long1 = "x".repeat(300_000);
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> accepted.write(long1.getBytes(UTF_8), 0, long1.length()));
            assertThat(read(client, long1.length())).isEqualTo(long1);
            writing.join();
            client.close();
            assertThat(accepted.read(new byte[1], 0, 1)).isEqualTo(-1);
            assertThatThrownBy(() -> {
                for (int n = 0; n < 100; n++) accepted.write(new byte[4096], 0, 4096);
            }).isInstanceOf(HostException.class);
        }
        assertThat(path).doesNotExist();
    }

    @ParameterizedTest
    @EnumSource
    void closingWakesWhoWaits(Kind kind) throws InterruptedException {
        assume(kind);
        LocalServerSocket server = kind.listen.apply(directory.resolve("s"));
        CompletableFuture<Boolean> ended = CompletableFuture.supplyAsync(() -> server.accept() == null);
        Thread.sleep(20);
        server.close();
        assertThat(ended.join()).isTrue();
        server.close();
        try (LocalServerSocket second = kind.listen.apply(directory.resolve("t"));
                LocalSocket client = kind.connect.apply(directory.resolve("t"));
                LocalSocket accepted = accept(second)) {
            CompletableFuture<Integer> read = CompletableFuture.supplyAsync(() -> accepted.read(new byte[1], 0, 1));
            Thread.sleep(20);
            accepted.close();
            assertThat(read.join()).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatADeadProcessLeftIsReplacedAndALiveOneIsNot(Kind kind) throws IOException {
        assume(kind);
        Path path = directory.resolve("s");
        try (LocalServerSocket live = kind.listen.apply(path)) {
            assertThatThrownBy(() -> kind.listen.apply(live.path())).isInstanceOf(HostException.class).hasMessageContaining("listen on");
            Path kept = directory.resolve("kept");
            Files.move(path, kept); // as after kill -9: close() does not find it
            live.close();
            try (LocalServerSocket next = kind.listen.apply(kept); LocalSocket client = kind.connect.apply(next.path())) {
                client.write(new byte[1], 0, 1);
            }
        }
        Path file = Files.writeString(directory.resolve("file"), "precious");
        assertThatThrownBy(() -> kind.listen.apply(file)).isInstanceOf(HostException.class);
        assertThat(file).hasContent("precious");
    }

    @ParameterizedTest
    @EnumSource
    void connectingWhereNobodyListensIsRefused(Kind kind) {
        assume(kind);
        assertThatThrownBy(() -> kind.connect.apply(directory.resolve("absent")))
                .isInstanceOf(HostException.class).hasMessageContaining("absent");
        assertThatThrownBy(() -> kind.listen.apply(directory.resolve("no/such/s"))).isInstanceOf(HostException.class);
        assertThatThrownBy(() -> kind.listen.apply(directory.resolve("x".repeat(120))))
                .isInstanceOf(HostException.class).hasMessageContaining("107");
    }

    @Test
    void descriptorsArePassed() throws IOException {
        assume(Kind.LINUX);
        Path file = Files.writeString(directory.resolve("file"), "content");
        try (LocalServerSocket server = LocalServerSocket.listen(directory.resolve("s"));
                LocalSocket client = LocalSocket.connect(directory.resolve("s"));
                LocalSocket accepted = accept(server);
                Descriptor one = Descriptor.open(file.toString());
                Descriptor two = Descriptor.open(file.toString())) {
            client.write("fd".getBytes(UTF_8), 0, 2, List.of(one, two));
            assertThat(accepted.takeDescriptors()).isEmpty();
            assertThat(read(accepted, 2)).isEqualTo("fd");
            List<Descriptor> taken = accepted.takeDescriptors();
            assertThat(taken).hasSize(2);
            for (Descriptor passed : taken) {
                assertThat(passed.number()).isNotIn(one.number(), two.number());
                assertThat(Path.of("/proc/self/fd/" + passed.number()).toRealPath()).isEqualTo(file.toRealPath());
                passed.close();
            }
            assertThat(accepted.takeDescriptors()).isEmpty();
        }
    }
}
