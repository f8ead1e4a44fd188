package io.kahvem.devices.nvme;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.MemoryDisk;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NvmeTest {
    private static final int SIZE = 1 << 20;
    private static final long BAR = 0xf000_0000L;
    private static final long ASQ = 0x1_0000;
    private static final long ACQ = 0x1_1000;
    private static final long SQ = 0x1_2000;
    private static final long CQ = 0x1_3000;
    private static final long LIST = 0x1_4000;
    private static final long BUFFER = 0x8_0000;
    private static final int ENTRIES = 16;

    private final GuestMemory memory = new GuestMemory();
    private final MemoryDisk disk = new MemoryDisk(SIZE);
    private final Line intx = new Line();
    private final List<String> messages = new ArrayList<>();
    private final IoBus mmio = new IoBus("MMIO");
    private final PciBus pci = new PciBus(new PciBus.Wiring(
            new IoBus("ports"), mmio, (address, data) -> messages.add("%x:%x".formatted(address, data)), (slot, pin) -> intx));
    private final NvmeController nvme = new NvmeController(disk, "SERIAL1", memory);
    private final int[] tails = new int[2];
    private final int[] heads = new int[2];
    private int cid;

    /// What came back of a command.
    private record Completion(int cid, int result, int status) {}

    @BeforeEach
    void start() {
        memory.add(0, HostMemory.system().map(2L << 20), false);
        pci.add(3, 0, nvme);
        nvme.writeConfig(0x10, 4, (int) BAR);
        nvme.writeConfig(PciFunction.COMMAND, 2, PciFunction.COMMAND_MEMORY | PciFunction.COMMAND_BUS_MASTER);
        enable();
    }

    private void enable() {
        for (long gpa = ASQ; gpa < LIST; gpa += 8) memory.write64(gpa, 0);
        Arrays.fill(tails, 0);
        Arrays.fill(heads, 0);
        mmio.write(BAR + 0x24, 4, ENTRIES - 1 | ENTRIES - 1 << 16);
        mmio.write(BAR + 0x28, 8, ASQ);
        mmio.write(BAR + 0x30, 8, ACQ);
        mmio.write(BAR + 0x14, 4, 0x0046_0001);
        assertThat(mmio.read(BAR + 0x1c, 4)).isEqualTo(1);
    }

    private void createQueues() {
        assertThat(admin(5, 0, CQ, 1 | ENTRIES - 1 << 16, 3 | 1 << 16).status).isZero();
        assertThat(admin(1, 0, SQ, 1 | ENTRIES - 1 << 16, 1 | 1 << 16).status).isZero();
    }

    @AfterEach
    void free() {
        memory.close();
    }

    @Test
    void identifiesItselfAndItsNamespace() {
        assertThat(mmio.read(BAR + 8, 4)).isEqualTo(0x0001_0400);
        assertThat(admin(6, 0, BUFFER, 1, 0).status).isZero();
        assertThat(new String(buffer(11), 4, 7, US_ASCII)).isEqualTo("SERIAL1");
        assertThat(memory.read32(BUFFER + 516)).isEqualTo(1);
        assertThat(admin(6, 1, BUFFER, 0, 0).status).isZero();
        assertThat(memory.read64(BUFFER)).isEqualTo(SIZE / 512);
        assertThat(memory.read8(BUFFER + 130)).isEqualTo(9);
        assertThat(admin(6, 0, BUFFER, 2, 0).status).isZero();
        assertThat(memory.read32(BUFFER)).isEqualTo(1);
        assertThat(admin(6, 7, BUFFER, 0, 0).status).isEqualTo(Status.INVALID_NAMESPACE | Status.DO_NOT_RETRY);
        assertThat(intx.level).isFalse();
    }

    @Test
    void readsAndWritesByPagesAndByLists() {
        createQueues();
        new Random(1).nextBytes(disk.content);
        submit(2, 3, 1, BUFFER + 512, 0, 0);
        complete();
        assertThat(take(1).status).isZero();
        assertThat(Arrays.copyOfRange(buffer(1024), 512, 1024)).isEqualTo(Arrays.copyOfRange(disk.content, 1536, 2048));
        // 12 KiB that begin in the middle of a page: a list of pages.
        for (int n = 0; n < 3; n++) memory.write64(LIST + 8L * n, BUFFER + 0x1000 * (n + 1));
        submit(2, 8, 24, BUFFER + 2048, LIST, 0);
        complete();
        assertThat(take(1).status).isZero();
        assertThat(Arrays.copyOfRange(buffer(2048 + 12288), 2048, 2048 + 12288))
                .isEqualTo(Arrays.copyOfRange(disk.content, 4096, 4096 + 12288));
        submit(1, 100, 4, BUFFER, 0, 1 << 30);
        complete();
        assertThat(take(1).status).isZero();
        assertThat(disk.log).contains("WRITE 51200+2048 durable");
        submit(2, 100, 1, BUFFER, 0x123, 0);
        complete();
        assertThat(take(1).status).isZero(); // the second entry is not looked at
        memory.write64(LIST, BUFFER + 4);
        submit(2, 100, 16, BUFFER + 512, LIST, 0);
        assertThat(take(1).status & 0xff).isEqualTo(Status.INVALID_PRP_OFFSET);
    }

    @Test
    void readsByScatterGatherLists() {
        createQueues();
        new Random(1).nextBytes(disk.content);
        memory.write64(LIST, BUFFER);
        memory.write64(LIST + 8, 512);
        memory.write64(LIST + 16, BUFFER + 0x3000);
        memory.write64(LIST + 24, 1024);
        entry(1, 2 | 1 << 14, 1, LIST, 32 | 3L << 60, 0, 0, 2);
        ring(1);
        complete();
        assertThat(take(1).status).isZero();
        assertThat(buffer(512)).isEqualTo(Arrays.copyOf(disk.content, 512));
        assertThat(Arrays.copyOfRange(buffer(0x3400), 0x3000, 0x3400)).isEqualTo(Arrays.copyOfRange(disk.content, 512, 1536));
    }

    @Test
    void flushesZeroesAndDeallocates() {
        createQueues();
        submit(0, 0, 1, 0, 0, 0);
        submit(8, 16, 8, 0, 0, 1 << 25);
        memory.write64(BUFFER, 4L << 32);
        memory.write64(BUFFER + 8, 32);
        memory.write64(BUFFER + 16, 1L << 32);
        memory.write64(BUFFER + 24, 64);
        entry(1, 9, 1, BUFFER, 0, 1, 4, 0);
        ring(1);
        complete();
        assertThat(disk.log).containsExactly("FLUSH 0+0", "WRITE_ZEROES 8192+4096", "DISCARD 16384+2048", "DISCARD 32768+512");
        for (int n = 0; n < 3; n++) assertThat(take(1).status).isZero();
    }

    @Test
    void whatCannotBeIsRefused() {
        createQueues();
        submit(2, SIZE / 512, 1, BUFFER, 0, 0);
        assertThat(take(1).status & 0x3fff).isEqualTo(Status.LBA_OUT_OF_RANGE);
        submit(0x77, 0, 1, BUFFER, 0, 0);
        assertThat(take(1).status & 0x3fff).isEqualTo(Status.INVALID_OPCODE);
        submit(2, 0, 1, 0x4000_0000L, 0, 0);
        assertThat(take(1).status & 0x3fff).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(admin(5, 0, CQ, 1 | 15 << 16, 3).status & 0x3fff).isEqualTo(Status.INVALID_QUEUE_ID);
        assertThat(admin(5, 0, CQ, 2 | 4000 << 16, 3).status & 0x3fff).isEqualTo(Status.INVALID_QUEUE_SIZE);
        assertThat(admin(1, 0, SQ, 2 | 15 << 16, 1 | 9 << 16).status & 0x3fff).isEqualTo(Status.COMPLETION_QUEUE_INVALID);
        assertThat(admin(4, 0, 0, 1, 0).status & 0x3fff).isEqualTo(Status.INVALID_QUEUE_DELETION);
        disk.error = 5;
        submit(2, 0, 1, BUFFER, 0, 0);
        complete();
        assertThat(take(1).status & 0x3fff).isEqualTo(Status.UNRECOVERED_READ_ERROR);
    }

    @Test
    void queuesInterruptByTheirVectors() {
        mmio.write(BAR + 0x2010, 8, 0xfee0_0000L);
        mmio.write(BAR + 0x2018, 8, 0x55);
        int msix = nvme.readConfig(0x34, 1);
        nvme.writeConfig(msix + 2, 2, 1 << 15);
        createQueues();
        submit(0, 0, 1, 0, 0, 0);
        complete();
        assertThat(messages).containsExactly("fee00000:55");
        assertThat(take(1).status).isZero();
    }

    @Test
    void thePinIsUpWhileSomethingIsNotTaken() {
        createQueues();
        submit(0, 0, 1, 0, 0, 0);
        complete();
        assertThat(intx.level).isTrue();
        mmio.write(BAR + 0x0c, 4, 1);
        assertThat(intx.level).isFalse();
        mmio.write(BAR + 0x10, 4, 1);
        assertThat(intx.level).isTrue();
        take(1);
        assertThat(intx.level).isFalse();
    }

    @Test
    void aFullCompletionQueueWaitsForTheHost() {
        assertThat(admin(5, 0, CQ, 1 | 1 << 16, 3).status).isZero(); // two entries: one can be there
        assertThat(admin(1, 0, SQ, 1 | ENTRIES - 1 << 16, 1 | 1 << 16).status).isZero();
        for (int n = 0; n < 5; n++) submit(0, 0, 1, 0, 0, 0);
        complete();
        for (int n = 0; n < 5; n++) {
            assertThat(memory.read32(CQ + 16L * (n & 1) + 12) >> 16 & 1).isEqualTo(n / 2 % 2 == 0 ? 1 : 0);
            mmio.write(BAR + 0x1000 + 12, 4, n + 1 & 1);
        }
    }

    @Test
    void aResizeIsAnEventWhereItIsAskedFor() {
        assertThat(admin(9, 0, 0, 0x0b, 1 << 8).status).isZero();
        entry(0, 0x0c, 0, 0, 0, 0, 0, 0);
        ring(0);
        disk.resize(2 * SIZE);
        Completion event = take(0);
        assertThat(event.result).isEqualTo(2 | 4 << 16);
        assertThat(admin(2, -1, BUFFER, 4 | 1023 << 16, 0).status).isZero();
        assertThat(memory.read32(BUFFER)).isEqualTo(1);
    }

    @Test
    void aResetWaitsForItsCommandsAndForgetsItsQueues() {
        createQueues();
        submit(1, 0, 1, BUFFER, 0, 0);
        assertThat(disk.pending()).isEqualTo(1);
        mmio.write(BAR + 0x14, 4, 0);
        assertThat(disk.pending()).isZero();
        assertThat(mmio.read(BAR + 0x1c, 4)).isZero();
        enable();
        createQueues();
        submit(0, 0, 1, 0, 0, 0);
        complete();
        assertThat(take(1).status).isZero();
        mmio.write(BAR + 0x14, 4, 0x0046_4001);
        assertThat(mmio.read(BAR + 0x1c, 4)).isEqualTo(9);
    }

    @Test
    void damagedCommandsNeitherThrowNorHang() {
        createQueues();
        Random random = new Random(9);
        for (int n = 0; n < 20_000; n++) {
            int queue = random.nextInt(5) == 0 ? 0 : 1;
            long at = (queue == 0 ? ASQ : SQ) + 64L * tails[queue];
            for (int word = 0; word < 16; word++) {
                memory.write32(at + 4L * word, random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(4));
            }
            if (random.nextBoolean()) memory.write64(at + 24, BUFFER + random.nextInt(4096));
            memory.write8(at, random.nextInt(queue == 0 ? 16 : 10));
            ring(queue);
            if (random.nextInt(3) == 0) disk.completeAll(random.nextBoolean());
            int heads = random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(ENTRIES);
            mmio.write(BAR + 0x1000 + 4L * (2 * queue + 1), 4, heads);
            if (random.nextInt(200) == 0) {
                mmio.write(BAR + 0x14, 4, 0);
                enable();
                createQueues();
            }
        }
    }

    private void complete() {
        while (disk.pending() > 0) disk.completeAll(false);
    }

    private Completion admin(int opcode, int nsid, long prp, int dword10, int dword11) {
        entry(0, opcode, nsid, prp, 0, dword10, dword11, 0);
        ring(0);
        complete();
        return take(0);
    }

    private void submit(int opcode, long slba, int blocks, long prp1, long prp2, int flags) {
        entry(1, opcode, 1, prp1, prp2, (int) slba, (int) (slba >> 32), blocks - 1 | flags);
        ring(1);
    }

    private void entry(int queue, int head, int nsid, long prp1, long prp2, int dword10, int dword11, int dword12) {
        long at = (queue == 0 ? ASQ : SQ) + 64L * tails[queue];
        memory.write32(at, head | cid++ << 16);
        memory.write32(at + 4, nsid);
        memory.write64(at + 24, prp1);
        memory.write64(at + 32, prp2);
        memory.write32(at + 40, dword10);
        memory.write32(at + 44, dword11);
        memory.write32(at + 48, dword12);
    }

    private void ring(int queue) {
        tails[queue] = (tails[queue] + 1) % ENTRIES;
        mmio.write(BAR + 0x1000 + 8L * queue, 4, tails[queue]);
    }

    private Completion take(int queue) {
        long at = (queue == 0 ? ACQ : CQ) + 16L * heads[queue];
        int word = memory.read32(at + 12);
        heads[queue] = (heads[queue] + 1) % ENTRIES;
        mmio.write(BAR + 0x1000 + 8L * queue + 4, 4, heads[queue]);
        return new Completion(word & 0xffff, memory.read32(at), word >>> 17);
    }

    private byte[] buffer(int length) {
        byte[] bytes = new byte[length];
        memory.read(BUFFER, bytes, 0, length);
        return bytes;
    }
}
