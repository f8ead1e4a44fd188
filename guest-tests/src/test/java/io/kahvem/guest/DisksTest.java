package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Linux' own drivers read and write disks on each bus, and the host finds what they wrote.
@Tag("slow")
class DisksTest {
    private static final int SIZE = 4 << 20;

    /// 1 MiB of the disk is written from its own first one, past the page cache of the guest on the way back.
    private static final String COMMANDS = "sha256sum,%1$s;"
            + "dd,if=%1$s,of=%1$s,bs=64k,count=16,seek=32,conv=fsync;"
            + "echo,3,>/proc/sys/vm/drop_caches;sha256sum,%1$s";

    @TempDir
    private Path dir;

    private static byte[] content(int seed) {
        byte[] content = new byte[SIZE];
        new Random(seed).nextBytes(content);
        return content;
    }

    /// What a disk holds when [#COMMANDS] have been run on it.
    private static byte[] afterCommands(byte[] content) {
        byte[] expected = content.clone();
        System.arraycopy(content, 0, expected, 2 << 20, 1 << 20);
        return expected;
    }

    @ParameterizedTest
    @CsvSource({"virtio, /dev/vda", "nvme, /dev/nvme0n1", "scsi, /dev/sda", "sata, /dev/sda"})
    void aDiskIsReadAndWrittenOnEachBus(String bus, String device) throws Exception {
        TestGuests guests = TestGuests.orSkip();
        byte[] content = content(1);
        Path image = Files.write(dir.resolve("disk.raw"), content);
        byte[] expected = afterCommands(content);
        try (Guest guest = boot(guests, COMMANDS.formatted(device), "--disk", image + ",format=raw,bus=" + bus)) {
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
            assertThat(guest.stdout()).contains(sha256(content) + "  " + device, sha256(expected) + "  " + device, "guest: exit 0");
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(expected);
    }

    @Test
    void severalProcessorsUseAQueueEachAndAReadOnlyDiskStaysAsItIs() throws Exception {
        TestGuests guests = TestGuests.orSkip();
        byte[] content = content(2);
        Path image = Files.write(dir.resolve("disk.raw"), content);
        String commands = "for,i,in,0,1,2,3;do,taskset,$((1<<i)),dd,if=/dev/vda,of=/dev/null,bs=64k,iflag=direct;done;"
                + "dd,if=/dev/zero,of=/dev/vda,bs=512,count=1,oflag=direct;sha256sum,/dev/vda;ls,/sys/block/vda/mq";
        try (Guest guest = boot(guests, commands, "--cpus", 4, "--disk", image + ",format=raw,readonly")) {
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
            assertThat(guest.stdout()).contains(sha256(content) + "  /dev/vda").containsPattern("0\\s+1\\s+2\\s+3");
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(content);
    }

    @Test
    void aMicrovmHasItsDisksBehindRegistersThatAcpiAnnounces() throws Exception {
        TestGuests guests = TestGuests.orSkip();
        byte[] content = content(5);
        Path image = Files.write(dir.resolve("disk.raw"), content);
        Path other = Files.write(dir.resolve("other.raw"), content);
        byte[] expected = afterCommands(content);
        String commands = COMMANDS.formatted("/dev/vda")
                + ";sha256sum,/dev/sda;ls,/sys/bus/platform/drivers/virtio-mmio;ls,/sys/bus/pci/devices";
        try (Guest guest = boot(guests, commands, "--machine", "microvm", "--cpus", 2, "--disk", image + ",format=raw", "--disk",
                other + ",format=raw,bus=scsi,readonly")) {
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
            assertThat(guest.stdout())
                    .contains(sha256(content) + "  /dev/vda", sha256(expected) + "  /dev/vda", sha256(content) + "  /dev/sda")
                    .contains("LNRO0005:00", "LNRO0005:01").doesNotContain("0000:00:");
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDiskServedByNbdIsUsedByItsAddress(boolean tcp) throws Exception {
        TestGuests guests = TestGuests.orSkip();
        byte[] content = content(4);
        Path image = Files.write(dir.resolve("disk.raw"), content);
        byte[] expected = afterCommands(content);
        Path socket = dir.resolve("nbd.sock");
        int port = freePort();
        List<String> serve = new ArrayList<>(List.of(Guest.launcher().toString(), "image", "serve", "-t", "-f", "raw", image.toString()));
        serve.addAll(tcp ? List.of("-b", "localhost", "-p", String.valueOf(port)) : List.of("-k", socket.toString()));
        Process server = new ProcessBuilder(serve).inheritIO().start();
        try {
            SocketAddress address =
                    tcp ? new InetSocketAddress(InetAddress.getLoopbackAddress(), port) : UnixDomainSocketAddress.of(socket);
            while (!answers(address) && server.isAlive()) Thread.sleep(10);
            String name = tcp ? "nbd:localhost:" + port : "nbd:unix:" + socket;
            try (Guest guest = boot(guests, COMMANDS.formatted("/dev/vda"), "--disk", name + ",format=raw")) {
                assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
                assertThat(guest.stdout()).contains(sha256(content) + "  /dev/vda", sha256(expected) + "  /dev/vda", "guest: exit 0");
                assertThat(guest.stderr()).as("the sandbox is whole").doesNotContain("sandbox");
            }
        } finally {
            server.destroy();
            server.waitFor();
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(expected);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static boolean answers(SocketAddress address) {
        try (SocketChannel channel = SocketChannel.open(address)) {
            return channel.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    @Test
    void aDiskMayBeAFileThatWasOpenedBefore() throws Exception {
        TestGuests guests = TestGuests.orSkip();
        byte[] content = content(6);
        Path base = Files.write(dir.resolve("base.raw"), content);
        Path top = dir.resolve("top.qcow2");
        try (Guest image = Guest.start("image", "create", "-q", "-u", "-f", "qcow2", "-b", "/dev/fdset/2", "-F", "raw", top, SIZE)) {
            assertThat(image.exitStatus()).as(image.transcript()).isZero();
        }
        List<Object> arguments = arguments(guests, COMMANDS.formatted("/dev/vda"));
        arguments.addAll(List.of("--disk", "/dev/fdset/1,format=qcow2", "--add-fd", "fd=7,set=1", "--add-fd=fd=8,set=2"));
        try (Guest guest = Guest.startWithFiles("7<>'%s' 8<'%s'".formatted(top, base), arguments.toArray())) {
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
            assertThat(guest.stdout()).contains(sha256(content) + "  /dev/vda", sha256(afterCommands(content)) + "  /dev/vda");
            assertThat(guest.stderr()).as("the sandbox is whole").doesNotContain("sandbox");
        }
        assertThat(Files.readAllBytes(base)).isEqualTo(content);
        try (Guest guest = Guest.boot(guests, "", "--disk", "/dev/fdset/1", "--add-fd", "fd=99,set=1")) {
            assertThat(guest.exitStatus()).isEqualTo(70);
            assertThat(guest.stderr()).contains("descriptor 99", "EBADF");
        }
    }

    @Test
    void aDiskThatCannotBeOpenedIsNamedAndNothingStarts() throws IOException {
        TestGuests guests = TestGuests.orSkip();
        Path image = Files.write(dir.resolve("text.qcow2"), new byte[1 << 16]);
        try (Guest guest = Guest.boot(guests, "", "--disk", dir.resolve("missing.raw"))) {
            assertThat(guest.exitStatus()).isEqualTo(2);
            assertThat(guest.stderr()).contains("--disk", "missing.raw", "No such file or directory");
        }
        try (Guest guest = Guest.boot(guests, "", "--disk", image + ",format=qcow2")) {
            assertThat(guest.exitStatus()).isEqualTo(2);
            assertThat(guest.stderr()).contains("--disk", "text.qcow2", "qcow2");
        }
    }

    @Test
    void aCdromIsReadOnSata() throws Exception {
        TestGuests guests = TestGuests.orSkip();
        byte[] content = content(3);
        Path image = Files.write(dir.resolve("disc.iso"), content);
        try (Guest guest = boot(guests, "cat,/sys/block/sr0/device/model;sha256sum,/dev/sr0", "--cdrom", image)) {
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
            assertThat(guest.stdout()).contains("CD-ROM", sha256(content) + "  /dev/sr0");
        }
    }

    /// The kernel with all drivers; a command's spaces are commas.
    private static Guest boot(TestGuests guests, String commands, Object... more) {
        List<Object> arguments = arguments(guests, commands);
        arguments.addAll(List.of(more));
        return Guest.start(arguments.toArray());
    }

    private static List<Object> arguments(TestGuests guests, String commands) {
        return new ArrayList<>(List.of("run", "--accel", "jvm", "--kernel", guests.fullVmlinuz(), "--initrd",
                guests.fullInitrd(), "--append", "console=ttyS0 quiet task=sh cmd=" + commands));
    }

    private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
