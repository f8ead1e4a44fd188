package io.kahvem.devices.virtio.blk;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.MemoryDisk;
import io.kahvem.devices.virtio.TestTransport;
import io.kahvem.devices.virtio.VirtioControl;
import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VirtioBlkTest {
    private static final int SIZE = 1 << 20;
    private static final int IN = 0;
    private static final int OUT = 1;
    private static final int FLUSH = 4;
    private static final int GET_ID = 8;
    private static final int DISCARD = 11;
    private static final int WRITE_ZEROES = 13;
    private static final long ALL =
            VirtioBlk.F_FLUSH | VirtioBlk.F_CONFIG_WCE | VirtioBlk.F_DISCARD | VirtioBlk.F_WRITE_ZEROES | VirtioBlk.F_MQ;

    private final MemoryDisk disk = new MemoryDisk(SIZE);

    /// A request that was offered: where its data and its status are.
    private record Offered(int id, long data, long status) {}

    private TestTransport start(long features) {
        return new TestTransport(new VirtioBlk(disk, "SERIAL-7", 2), features);
    }

    private static Offered offer(TestTransport t, int queue, int type, long sector, byte[] out, int inBytes) {
        FakeDriver driver = t.driver(queue);
        long header = driver.buffer(16);
        t.memory.write32(header, type);
        t.memory.write64(header + 8, sector);
        List<Buffer> buffers = new ArrayList<>(List.of(new Buffer(header, 16, false)));
        long data = driver.buffer(Math.max(out.length, inBytes) + 1);
        if (out.length > 0) {
            t.memory.write(data, out);
            buffers.add(new Buffer(data, out.length, false));
        }
        if (inBytes > 0) buffers.add(new Buffer(data, inBytes, true));
        long status = driver.buffer(1);
        t.memory.write8(status, 0xee);
        buffers.add(new Buffer(status, 1, true));
        return new Offered(driver.offer(buffers, true), data, status);
    }

    private int run(TestTransport t, int type, long sector, byte[] out) {
        Offered o = offer(t, 0, type, sector, out, 0);
        t.control.notifyQueue(0);
        disk.completeAll(false);
        assertThat(requireNonNull(t.driver(0).takeUsed()).id()).isEqualTo(o.id);
        t.driver(0).releaseBuffers();
        return t.memory.read8(o.status);
    }

    private static byte[] segment(long sector, int count, int flags) {
        byte[] bytes = new byte[16];
        for (int n = 0; n < 8; n++) bytes[n] = (byte) (sector >> 8 * n);
        for (int n = 0; n < 4; n++) bytes[8 + n] = (byte) (count >> 8 * n);
        bytes[12] = (byte) flags;
        return bytes;
    }

    @Test
    void readsOfWhatTheHostHasInMemoryEndInTheNotificationWithOneInterrupt() {
        new Random(3).nextBytes(disk.content);
        disk.readsAtOnce = true;
        TestTransport t = start(ALL);
        Offered first = offer(t, 0, IN, 8, new byte[0], 4096);
        Offered second = offer(t, 0, IN, 24, new byte[0], 512);
        t.control.notifyQueue(0);
        assertThat(disk.pending()).isZero();
        assertThat(t.queueInterrupts[0]).isOne();
        assertThat(requireNonNull(t.driver(0).takeUsed()).id()).isEqualTo(first.id);
        assertThat(requireNonNull(t.driver(0).takeUsed()).id()).isEqualTo(second.id);
        assertThat(t.memory.read8(first.status)).isZero();
        byte[] read = new byte[512];
        t.memory.read(second.data, read, 0, read.length);
        assertThat(read).isEqualTo(Arrays.copyOfRange(disk.content, 24 * 512, 25 * 512));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void severalRequestsAreInFlightAndEndInAnyOrder(boolean backwards) {
        new Random(1).nextBytes(disk.content);
        byte[] written = new byte[4096];
        new Random(2).nextBytes(written);
        byte[] before = disk.content.clone();
        try (TestTransport t = start(ALL)) {
            Offered read = offer(t, 0, IN, 8, new byte[0], 8192);
            Offered write = offer(t, 0, OUT, 1000, written, 0);
            Offered other = offer(t, 1, IN, 2, new byte[0], 512);
            t.control.notifyQueue(0);
            t.control.notifyQueue(1);
            assertThat(disk.pending()).isEqualTo(3);
            assertThat(t.driver(0).takeUsed()).isNull();
            disk.completeAll(backwards);
            FakeDriver.Used first = requireNonNull(t.driver(0).takeUsed());
            FakeDriver.Used second = requireNonNull(t.driver(0).takeUsed());
            FakeDriver.Used readUsed = backwards ? second : first;
            assertThat(readUsed).isEqualTo(new FakeDriver.Used(read.id, 8193));
            assertThat(backwards ? first : second).isEqualTo(new FakeDriver.Used(write.id, 1));
            assertThat(t.driver(1).takeUsed()).isEqualTo(new FakeDriver.Used(other.id, 513));
            assertThat(t.memory.read8(read.status)).isZero();
            for (int n = 0; n < 8192; n++) assertThat((byte) t.memory.read8(read.data + n)).isEqualTo(before[8 * 512 + n]);
            for (int n = 0; n < 4096; n++) assertThat(disk.content[1000 * 512 + n]).isEqualTo(written[n]);
            assertThat(t.queueInterrupts).containsExactly(2, 1);
        }
    }

    @Test
    void theConfigurationTellsTheDisk() {
        try (TestTransport t = start(ALL)) {
            assertThat(t.control.readConfig(0, 8)).isEqualTo(SIZE / 512);
            assertThat(t.control.readConfig(20, 4)).isEqualTo(512);
            assertThat(t.control.readConfig(34, 2)).isEqualTo(2);
            int generation = t.control.configGeneration();
            disk.resize(2 * SIZE);
            assertThat(t.control.readConfig(0, 8)).isEqualTo(2 * SIZE / 512);
            assertThat(t.control.configGeneration()).isNotEqualTo(generation);
            assertThat(t.configInterrupts).isEqualTo(1);
        }
    }

    @Test
    void flushDiscardZeroesAndIdentity() {
        try (TestTransport t = start(ALL)) {
            assertThat(run(t, OUT, 0, new byte[512])).isZero();
            assertThat(run(t, FLUSH, 0, new byte[0])).isZero();
            assertThat(run(t, DISCARD, 0, segment(16, 8, 0))).isZero();
            assertThat(run(t, WRITE_ZEROES, 0, segment(32, 8, 1))).isZero();
            assertThat(disk.log).containsExactly("WRITE 0+512", "FLUSH 0+0", "DISCARD 8192+4096", "WRITE_ZEROES 16384+4096");
            Offered id = offer(t, 0, GET_ID, 0, new byte[0], 20);
            t.control.notifyQueue(0);
            assertThat(t.driver(0).takeUsed()).isEqualTo(new FakeDriver.Used(id.id, 21));
            byte[] told = new byte[8];
            t.memory.read(id.data, told, 0, 8);
            assertThat(new String(told, US_ASCII)).isEqualTo("SERIAL-7");
        }
    }

    @Test
    void requestsThatCannotBeFailAndTouchNothing() {
        try (TestTransport t = start(ALL)) {
            assertThat(run(t, OUT, SIZE / 512, new byte[512])).isEqualTo(1);
            assertThat(run(t, OUT, -1, new byte[512])).isEqualTo(1);
            assertThat(run(t, OUT, Long.MAX_VALUE, new byte[512])).isEqualTo(1);
            assertThat(run(t, OUT, 0, new byte[511])).isEqualTo(1);
            assertThat(run(t, 77, 0, new byte[0])).isEqualTo(2);
            assertThat(run(t, DISCARD, 0, segment(0, 8, 1))).isEqualTo(2);
            assertThat(run(t, DISCARD, 0, new byte[32])).isEqualTo(2);
            assertThat(run(t, WRITE_ZEROES, 0, segment(0, -1, 0))).isEqualTo(1);
            assertThat(disk.log).isEmpty();
            disk.error = 5;
            assertThat(run(t, IN, 0, new byte[0])).isEqualTo(1);
            disk.error = 0;
            disk.readOnly = true;
            assertThat(run(t, OUT, 0, new byte[512])).isEqualTo(1);
        }
    }

    @Test
    void aDriverWithoutFlushesGetsDurableWrites() {
        try (TestTransport t = start(0)) {
            assertThat(run(t, OUT, 0, new byte[512])).isZero();
            assertThat(disk.log).containsExactly("WRITE 0+512 durable");
        }
        disk.log.clear();
        try (TestTransport t = start(ALL)) {
            t.control.writeConfig(32, 1, 0);
            run(t, OUT, 0, new byte[512]);
            t.control.writeConfig(32, 1, 1);
            run(t, OUT, 0, new byte[512]);
            assertThat(disk.log).containsExactly("WRITE 0+512 durable", "WRITE 0+512");
        }
    }

    @Test
    void aResetWaitsForWhatIsInFlight() {
        try (TestTransport t = start(ALL)) {
            Offered o = offer(t, 0, OUT, 0, new byte[512], 0);
            t.control.notifyQueue(0);
            assertThat(disk.pending()).isEqualTo(1);
            t.control.writeStatus(0);
            assertThat(disk.pending()).isZero();
            assertThat(t.memory.read8(o.status)).isZero();
            t.start(ALL, false);
            assertThat(run(t, FLUSH, 0, new byte[0])).isZero();
        }
    }

    @Test
    void aRequestWithoutAHeaderNeedsAReset() {
        try (TestTransport t = start(ALL)) {
            t.driver(0).offer(new Buffer(t.driver(0).buffer(16), 16, true));
            t.control.notifyQueue(0);
            assertThat(t.control.status() & VirtioControl.DEVICE_NEEDS_RESET).isNotZero();
            assertThat(t.control.fault()).hasValueSatisfying(why -> assertThat(why).contains("without its header"));
        }
    }
}
