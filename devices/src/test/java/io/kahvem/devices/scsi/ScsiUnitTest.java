package io.kahvem.devices.scsi;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.MemoryDisk;
import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ScsiUnitTest {
    private static final int SIZE = 1 << 20;
    private static final long BUFFER = 0x1_0000;

    private final GuestMemory memory = new GuestMemory();
    private final MemoryDisk disk = new MemoryDisk(SIZE);
    private final ScsiDisk unit = new ScsiDisk(disk, "S1");
    private final List<Boolean> tray = new ArrayList<>();
    private final ScsiCdRom cdRom = new ScsiCdRom(disk, "S2", tray::add);
    private int ends;

    private final class Task extends ScsiTask {
        private Task(int room) {
            super(new GuestBuffers(memory, 8), new GuestBuffers(memory, 8));
            dataIn().add(BUFFER, room, true);
            dataOut().add(BUFFER, room, false);
        }

        @Override
        protected void done() {
            ends++;
        }
    }

    @BeforeEach
    void start() {
        memory.add(0, HostMemory.system().map(SIZE), false);
        assertThat(run(unit, 0, 0).sense()).isEqualTo(Sense.POWER_ON_OR_RESET);
        assertThat(run(cdRom, 0, 0).sense()).isEqualTo(Sense.POWER_ON_OR_RESET);
    }

    @AfterEach
    void free() {
        memory.close();
    }

    private Task run(ScsiUnit unit, int room, int... cdb) {
        Task task = new Task(room);
        for (int n = 0; n < cdb.length; n++) task.cdb()[n] = (byte) cdb[n];
        int before = ends;
        unit.start(task);
        while (disk.pending() > 0) disk.completeAll(false);
        assertThat(ends).isEqualTo(before + 1);
        return task;
    }

    private byte[] buffer(int length) {
        byte[] bytes = new byte[length];
        memory.read(BUFFER, bytes, 0, length);
        return bytes;
    }

    @Test
    void identifiesItself() {
        Task task = run(unit, 100, 0x12, 0, 0, 0, 100, 0);
        assertThat(task.transferred()).isEqualTo(36);
        assertThat(new String(buffer(36), 8, 24, US_ASCII)).isEqualTo("KAHVEM  HARDDISK        ");
        assertThat(buffer(1)[0]).isZero();
        assertThat(run(unit, 100, 0x12, 0, 0, 0, 10, 0).transferred()).isEqualTo(10);
        run(unit, 100, 0x12, 1, 0, 0, 100, 0);
        assertThat(buffer(9)).containsExactly(0, 0, 0, 6, 0, 0x80, 0x83, 0xb0, 0xb1);
        run(unit, 100, 0x12, 1, 0x80, 0, 100, 0);
        assertThat(new String(buffer(6), 4, 2, US_ASCII)).isEqualTo("S1");
        assertThat(run(unit, 100, 0x12, 1, 0x99, 0, 100, 0).sense()).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        run(cdRom, 100, 0x12, 0, 0, 0, 100, 0);
        assertThat(buffer(2)).containsExactly(5, 0x80);
    }

    @Test
    void tellsItsCapacityInBothForms() {
        run(unit, 32, 0x25);
        assertThat(buffer(8)).containsExactly(0, 0, 7, 0xff, 0, 0, 2, 0);
        run(unit, 32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32);
        assertThat(Arrays.copyOf(buffer(12), 12)).containsExactly(0, 0, 0, 0, 0, 0, 7, 0xff, 0, 0, 2, 0);
    }

    @Test
    void readsAndWritesByEveryForm() {
        new Random(1).nextBytes(disk.content);
        byte[] before = disk.content.clone();
        assertThat(run(unit, 1024, 0x08, 0, 0, 3, 2, 0).transferred()).isEqualTo(1024);
        assertThat(buffer(1024)).isEqualTo(Arrays.copyOfRange(before, 1536, 2560));
        run(unit, 512, 0x28, 0, 0, 0, 0, 5, 0, 0, 1, 0);
        assertThat(buffer(512)).isEqualTo(Arrays.copyOfRange(before, 2560, 3072));
        run(unit, 512, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0);
        assertThat(buffer(512)).isEqualTo(Arrays.copyOfRange(before, 4608, 5120));
        assertThat(run(unit, 512, 0x2a, 0, 0, 0, 0, 7, 0, 0, 1, 0).status()).isZero();
        assertThat(Arrays.copyOfRange(disk.content, 3584, 4096)).isEqualTo(buffer(512));
        run(unit, 512, 0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0);
        assertThat(disk.log).contains("WRITE 3584+512", "WRITE 4096+512 durable");
        run(cdRom, 2048, 0x28, 0, 0, 0, 0, 2, 0, 0, 1, 0);
        assertThat(buffer(2048)).isEqualTo(Arrays.copyOfRange(disk.content, 4096, 6144));
    }

    @Test
    void refusesWhatCannotBe() {
        assertThat(run(unit, 512, 0x28, 0, 0, 0, 8, 0, 0, 0, 1, 0).sense()).isEqualTo(Sense.LBA_OUT_OF_RANGE);
        assertThat(run(unit, 512, 0x88, 0, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 1, 0, 0).sense()).isEqualTo(Sense.LBA_OUT_OF_RANGE);
        assertThat(run(unit, 512, 0xc0).sense()).isEqualTo(Sense.INVALID_COMMAND);
        assertThat(run(cdRom, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0).sense()).isEqualTo(Sense.INVALID_COMMAND);
        disk.error = 5;
        assertThat(run(unit, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0).sense()).isEqualTo(Sense.READ_ERROR);
        assertThat(run(unit, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0).sense()).isEqualTo(Sense.WRITE_ERROR);
        disk.error = 0;
        disk.readOnly = true;
        assertThat(run(unit, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0).sense()).isEqualTo(Sense.WRITE_PROTECTED);
    }

    @Test
    void unmapsFlushesAndWritesTheSame() {
        byte[] list = new byte[40];
        list[1] = 38;
        list[3] = 32;
        list[15] = 4; // LBA
        list[19] = 2; // blocks
        list[31] = 9;
        list[35] = 1;
        memory.write(BUFFER, list);
        assertThat(run(unit, 40, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0).status()).isZero();
        assertThat(run(unit, 0, 0x35).status()).isZero();
        assertThat(disk.log).containsExactly("DISCARD 2048+1024", "DISCARD 4608+512", "FLUSH 0+0");
        disk.log.clear();
        memory.write(BUFFER, new byte[512]);
        run(unit, 512, 0x93, 8, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 4, 0, 0);
        assertThat(disk.log).containsExactly("WRITE_ZEROES 8192+2048");
        disk.log.clear();
        byte[] pattern = new byte[512];
        Arrays.fill(pattern, (byte) 0x77);
        memory.write(BUFFER, pattern);
        run(unit, 512, 0x41, 0, 0, 0, 0, 32, 0, 0, 100, 0);
        assertThat(disk.log).hasSize(2);
        for (int n = 0; n < 100 * 512; n++) assertThat(disk.content[16384 + n]).isEqualTo((byte) 0x77);
        assertThat(disk.content[16384 + 100 * 512]).isZero();
    }

    @Test
    void theWriteCacheIsAModePage() {
        run(unit, 64, 0x1a, 8, 8, 0, 64, 0);
        assertThat(buffer(7)).containsExactly(23, 0, 0x10, 0, 8, 18, 4);
        byte[] select = new byte[24];
        select[4] = 8;
        select[5] = 18;
        memory.write(BUFFER, select);
        assertThat(run(unit, 24, 0x15, 0x10, 0, 0, 24, 0).status()).isZero();
        run(unit, 512, 0x2a, 0, 0, 0, 0, 7, 0, 0, 1, 0);
        assertThat(disk.log).containsExactly("WRITE 3584+512 durable");
    }

    @Test
    void aDiscIsLockedEjectedAndChanged() {
        run(cdRom, 20, 0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0);
        assertThat(buffer(20)).containsExactly(0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 2, 0);
        assertThat(run(cdRom, 0, 0x1e, 0, 0, 0, 1, 0).status()).isZero();
        assertThat(run(cdRom, 0, 0x1b, 0, 0, 0, 2, 0).sense()).isEqualTo(Sense.REMOVAL_PREVENTED);
        run(cdRom, 0, 0x1e, 0, 0, 0, 0, 0);
        assertThat(run(cdRom, 0, 0x1b, 0, 0, 0, 2, 0).status()).isZero();
        assertThat(tray).containsExactly(true);
        assertThat(run(cdRom, 0, 0x00).sense()).isEqualTo(Sense.MEDIUM_NOT_PRESENT);
        run(cdRom, 8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0);
        assertThat(buffer(6)).containsExactly(0, 6, 4, 0x10, 3, 1);
        MemoryDisk other = new MemoryDisk(2048 * 7);
        assertThat(cdRom.change(other)).isSameAs(disk);
        assertThat(run(cdRom, 0, 0x00).sense()).isEqualTo(Sense.MEDIUM_CHANGED);
        run(cdRom, 8, 0x25);
        assertThat(buffer(8)).containsExactly(0, 0, 0, 6, 0, 0, 8, 0);
        run(cdRom, 8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0);
        assertThat(buffer(6)).containsExactly(0, 6, 4, 0x10, 2, 2);
    }

    @Test
    void anyCommandEndsOnceAndTouchesNothingOutside() {
        Random random = new Random(5);
        for (int n = 0; n < 20_000; n++) {
            int[] cdb = new int[16];
            for (int at = 0; at < 16; at++) cdb[at] = random.nextInt(3) == 0 ? random.nextInt(256) : 0;
            byte[] data = new byte[64];
            random.nextBytes(data);
            memory.write(BUFFER, data);
            run(random.nextBoolean() ? unit : cdRom, random.nextInt(4) * 512, cdb);
        }
    }
}
