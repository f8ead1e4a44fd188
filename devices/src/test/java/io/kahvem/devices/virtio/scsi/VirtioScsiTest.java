package io.kahvem.devices.virtio.scsi;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.devices.MemoryDisk;
import io.kahvem.devices.scsi.ScsiCdRom;
import io.kahvem.devices.scsi.ScsiDisk;
import io.kahvem.devices.virtio.TestTransport;
import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VirtioScsiTest {
    private static final int COMMAND_BYTES = 51;
    private static final int ANSWER_BYTES = 108;
    private static final int REQUESTQ = 2;

    private final MemoryDisk disk = new MemoryDisk(1 << 20);
    private final VirtioScsi device = new VirtioScsi(
            List.of(new ScsiDisk(disk, "S0"), new ScsiCdRom(disk, "S1", open -> {})), 1);

    /// Where a command's answer and data are.
    private record Sent(int id, long answer, long data) {}

    private static Sent send(TestTransport t, int target, int lun, byte[] out, int in, int... cdb) {
        FakeDriver driver = t.driver(REQUESTQ);
        long command = driver.buffer(COMMAND_BYTES);
        for (int n = 0; n < COMMAND_BYTES; n++) t.memory.write8(command + n, 0);
        t.memory.write8(command, 1);
        t.memory.write8(command + 1, target);
        t.memory.write8(command + 2, 0x40);
        t.memory.write8(command + 3, lun);
        for (int n = 0; n < cdb.length; n++) t.memory.write8(command + 19 + n, cdb[n]);
        long answer = driver.buffer(ANSWER_BYTES);
        long data = driver.buffer(Math.max(1, Math.max(in, out.length)));
        List<Buffer> buffers = new ArrayList<>(List.of(new Buffer(command, COMMAND_BYTES, false)));
        if (out.length > 0) {
            t.memory.write(data, out);
            buffers.add(new Buffer(data, out.length, false));
        }
        buffers.add(new Buffer(answer, ANSWER_BYTES, true));
        if (in > 0) buffers.add(new Buffer(data, in, true));
        Sent sent = new Sent(driver.offer(buffers, true), answer, data);
        t.control.notifyQueue(REQUESTQ);
        return sent;
    }

    private Sent run(TestTransport t, int target, int lun, byte[] out, int in, int... cdb) {
        Sent sent = send(t, target, lun, out, in, cdb);
        while (disk.pending() > 0) disk.completeAll(false);
        assertThat(requireNonNull(t.driver(REQUESTQ).takeUsed()).id()).isEqualTo(sent.id);
        return sent;
    }

    @Test
    void commandsReachTheirTargetsAndSenseComesBack() {
        new Random(1).nextBytes(disk.content);
        try (TestTransport t = new TestTransport(device, 0)) {
            Sent attention = run(t, 0, 0, new byte[0], 0, 0);
            assertThat(t.memory.read8(attention.answer + 10)).isEqualTo(2);
            assertThat(t.memory.read32(attention.answer)).isEqualTo(18);
            assertThat(t.memory.read8(attention.answer + 12 + 2)).isEqualTo(6);
            Sent read = run(t, 0, 0, new byte[0], 1024, 0x28, 0, 0, 0, 0, 4, 0, 0, 2, 0);
            assertThat(t.memory.read8(read.answer + 10)).isZero();
            assertThat(t.memory.read8(read.answer + 11)).isZero();
            assertThat(t.memory.read32(read.answer + 4)).isZero();
            byte[] got = new byte[1024];
            t.memory.read(read.data, got, 0, 1024);
            assertThat(got).isEqualTo(Arrays.copyOfRange(disk.content, 2048, 3072));
            byte[] out = new byte[512];
            Arrays.fill(out, (byte) 0x33);
            run(t, 0, 0, out, 0, 0x2a, 0, 0, 0, 0, 9, 0, 0, 1, 0);
            assertThat(Arrays.copyOfRange(disk.content, 4608, 5120)).isEqualTo(out);
            Sent inquiry = run(t, 1, 0, new byte[0], 100, 0x12, 0, 0, 0, 36, 0);
            assertThat(t.memory.read8(inquiry.data)).isEqualTo(5);
            assertThat(t.memory.read32(inquiry.answer + 4)).isEqualTo(64);
        }
    }

    @Test
    void whoIsNotThereIsTold() {
        try (TestTransport t = new TestTransport(device, 0)) {
            assertThat(t.memory.read8(run(t, 7, 0, new byte[0], 36, 0x12, 0, 0, 0, 36, 0).answer + 11)).isEqualTo(3);
            Sent inquiry = run(t, 0, 5, new byte[0], 36, 0x12, 0, 0, 0, 36, 0);
            assertThat(t.memory.read8(inquiry.data)).isEqualTo(0x7f);
            assertThat(t.memory.read8(run(t, 0, 5, new byte[0], 0, 0).answer + 14)).isEqualTo(5);
        }
    }

    /// A disk may be done before the thread that gave it the command has come back from doing so.
    @Test
    void everyAnswerInterruptsHoweverFastTheDiskIs(@TempDir Path dir) throws Exception {
        Path image = Files.write(dir.resolve("disk.raw"), new byte[1 << 20]);
        try (BlockBackend file = Images.openDisk(image.toString(), OpenOptions.writable("raw"));
                TestTransport t = new TestTransport(new VirtioScsi(List.of(new ScsiDisk(file, "S0")), 1), 0)) {
            for (int n = 0; n < 5_000; n++) {
                int before;
                synchronized (t.queueInterrupts) {
                    before = t.queueInterrupts[REQUESTQ];
                }
                send(t, 0, 0, new byte[0], 512, 0x28, 0, 0, 0, 0, 4, 0, 0, 1, 0);
                synchronized (t.queueInterrupts) {
                    long end = System.nanoTime() + 20_000_000_000L;
                    while (t.queueInterrupts[REQUESTQ] == before && System.nanoTime() < end) t.queueInterrupts.wait(1_000);
                    assertThat(t.queueInterrupts[REQUESTQ]).as("command %d", n).isGreaterThan(before);
                }
                assertThat(t.driver(REQUESTQ).takeUsed()).as("command %d", n).isNotNull();
                t.driver(REQUESTQ).releaseBuffers();
            }
        }
    }

    @Test
    void aTaskManagementFunctionWaitsForWhatRuns() {
        try (TestTransport t = new TestTransport(device, 0)) {
            run(t, 0, 0, new byte[0], 0, 0);
            send(t, 0, 0, new byte[512], 0, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0);
            assertThat(disk.pending()).isEqualTo(1);
            FakeDriver control = t.driver(0);
            long tmf = control.buffer(24);
            for (int n = 0; n < 24; n++) t.memory.write8(tmf + n, 0);
            t.memory.write8(tmf + 8, 1);
            long answer = control.buffer(1);
            t.memory.write8(answer, 0xff);
            control.offer(new Buffer(tmf, 24, false), new Buffer(answer, 1, true));
            t.control.notifyQueue(0);
            assertThat(disk.pending()).isZero();
            assertThat(t.memory.read8(answer)).isZero();
            assertThat(t.driver(REQUESTQ).takeUsed()).isNotNull();
        }
    }
}
