package io.kahvem.devices.ahci;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.MemoryDisk;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.devices.scsi.ScsiCdRom;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AhciTest {
    private static final int SIZE = 1 << 20;
    private static final long ABAR = 0xf000_0000L;
    private static final long LIST = 0x1_0000;
    private static final long FIS = 0x1_1000;
    private static final long TABLES = 0x2_0000;
    private static final long BUFFER = 0x8_0000;
    private static final int IS = 0x10;
    private static final int CMD = 0x18;
    private static final int TFD = 0x20;
    private static final int SIG = 0x24;
    private static final int SACT = 0x34;
    private static final int CI = 0x38;

    private final GuestMemory memory = new GuestMemory();
    private final MemoryDisk disk = new MemoryDisk(SIZE);
    private final MemoryDisk disc = new MemoryDisk(SIZE);
    private final Line intx = new Line();
    private final IoBus mmio = new IoBus("MMIO");
    private final PciBus pci = new PciBus(new PciBus.Wiring(new IoBus("ports"), mmio, (address, data) -> {}, (slot, pin) -> intx));

    @BeforeEach
    void start() {
        memory.add(0, HostMemory.system().map(2L << 20), false);
        AhciController hba = new AhciController(
                List.of(new SataDisk(disk, "S1"), new SataCdRom(new ScsiCdRom(disc, "S2", open -> {}))), memory);
        pci.add(3, 0, hba);
        hba.writeConfig(0x24, 4, (int) ABAR);
        hba.writeConfig(PciFunction.COMMAND, 2, PciFunction.COMMAND_MEMORY | PciFunction.COMMAND_BUS_MASTER);
        mmio.write(ABAR + 4, 4, 2);
        for (int port = 0; port < 2; port++) {
            write(port, 0x00, (int) LIST + port * 0x400);
            write(port, 0x08, (int) FIS + port * 0x100);
            write(port, CMD, 0x10);
            write(port, 0x14, -1);
            write(port, IS, -1);
            write(port, CMD, 0x11);
        }
    }

    @AfterEach
    void free() {
        memory.close();
    }

    @Test
    void portsShowTheirDevices() {
        assertThat(read(0, 0x28)).isEqualTo(0x133);
        assertThat(read(2, 0x28)).isZero();
        assertThat(read(0, SIG)).isEqualTo(0x0000_0101);
        assertThat(read(1, SIG)).isEqualTo(0xeb14_0101);
        assertThat(read(0, TFD) & 0xff).isEqualTo(0x50);
        assertThat((int) mmio.read(ABAR + 0x10, 4)).isEqualTo(0x0001_0301);
    }

    @Test
    void identifiesByPioAndInterrupts() {
        command(0, 0, 512, 0xec, 0, 0, 0);
        assertThat(read(0, CI)).isZero();
        assertThat(read(0, IS)).isEqualTo(2);
        assertThat(intx.level).isTrue();
        write(0, IS, -1);
        assertThat(intx.level).isFalse();
        assertThat(memory.read16(BUFFER + 200)).isEqualTo(SIZE / 512);
        int sum = 0;
        for (int n = 0; n < 512; n++) sum += memory.read8(BUFFER + n);
        assertThat(sum & 0xff).isZero();
        assertThat(memory.read8(FIS + 0x20)).isEqualTo(0x5f);
        assertThat(memory.read32(LIST + 4)).isEqualTo(512);
    }

    @Test
    void aListThatGoesOnPastMemoryHarmsNoCommandWithoutData() {
        command(0, 0, 3 << 20, 0xef, 0, 0x45, 3); // set transfer mode, as SeaBIOS gives it
        assertThat(read(0, IS)).isEqualTo(1);
        assertThat(read(0, TFD)).isEqualTo(0x50);
        assertThat(read(0, CI)).isZero();
    }

    @Test
    void readsAndWritesByDma() {
        new Random(1).nextBytes(disk.content);
        command(0, 3, 8192, 0x25, 5, 16, 0);
        assertThat(read(0, CI)).isEqualTo(1 << 3);
        assertThat(read(0, TFD) & 0x80).isNotZero();
        disk.completeAll(false);
        assertThat(read(0, CI)).isZero();
        assertThat(read(0, TFD)).isEqualTo(0x50);
        assertThat(buffer(8192)).isEqualTo(Arrays.copyOfRange(disk.content, 5 * 512, 21 * 512));
        command(0, 0, 1024, 0x35, 100, 2, 0);
        disk.completeAll(false);
        assertThat(Arrays.copyOfRange(disk.content, 51200, 52224)).isEqualTo(buffer(1024));
        command(0, 0, 0, 0xea, 0, 0, 0);
        disk.completeAll(false);
        assertThat(disk.log).contains("FLUSH 0+0");
        assertThat(memory.read8(FIS + 0x40)).isEqualTo(0x34);
    }

    @Test
    void queuedCommandsRunTogetherAndEndInAnyOrder() {
        for (int tag = 0; tag < 4; tag++) {
            write(0, SACT, 1 << tag);
            command(0, tag, 512, 0x60, tag * 8, tag << 3, 1);
        }
        assertThat(disk.pending()).isEqualTo(4);
        assertThat(read(0, CI)).isZero();
        assertThat(read(0, SACT)).isEqualTo(0xf);
        disk.completeAll(true);
        assertThat(read(0, SACT)).isZero();
        assertThat(read(0, IS) & 8).isNotZero();
        assertThat(memory.read8(FIS + 0x58)).isEqualTo(0xa1);
    }

    @Test
    void anErrorHaltsThePortUntilItIsRestarted() {
        command(0, 0, 512, 0x25, SIZE / 512, 1, 0);
        assertThat(read(0, IS) & 1 << 30).isNotZero();
        assertThat(read(0, TFD)).isEqualTo(0x1051);
        assertThat(read(0, CI)).isEqualTo(1);
        write(0, CMD, 0x10);
        assertThat(read(0, CI)).isZero();
        write(0, CMD, 0x11);
        command(0, 0, 512, 0x25, 0, 1, 0);
        disk.completeAll(false);
        assertThat(read(0, TFD)).isEqualTo(0x50);
    }

    @Test
    void aFailedQueuedCommandIsInTheLog() {
        write(0, SACT, 1 << 2);
        command(0, 2, 512, 0x60, SIZE / 512, 2 << 3, 1);
        assertThat(read(0, SACT)).isEqualTo(1 << 2);
        write(0, CMD, 0x10);
        assertThat(read(0, SACT)).isZero();
        write(0, CMD, 0x11);
        command(0, 0, 512, 0x2f, 0x10, 1, 0);
        assertThat(memory.read8(BUFFER)).isEqualTo(2);
    }

    @Test
    void stoppingThePortWaitsForItsCommands() {
        command(0, 0, 512, 0x35, 0, 1, 0);
        assertThat(disk.pending()).isEqualTo(1);
        write(0, CMD, 0x10);
        assertThat(disk.pending()).isZero();
        assertThat(read(0, CI)).isZero();
        assertThat(read(0, IS)).isZero();
    }

    @Test
    void trims() {
        memory.write64(BUFFER, 8L | 4L << 48);
        memory.write64(BUFFER + 8, 100L | 1L << 48);
        for (int n = 16; n < 512; n += 8) memory.write64(BUFFER + n, 0);
        command(0, 0, 512, 0x06, 0, 1, 1);
        while (disk.pending() > 0) disk.completeAll(false);
        assertThat(disk.log).containsExactly("DISCARD 4096+2048", "DISCARD 51200+512");
        assertThat(read(0, TFD)).isEqualTo(0x50);
    }

    @Test
    void packetsReadTheDiscAndSenseIsKept() {
        new Random(2).nextBytes(disc.content);
        packet(0, 0x00);
        assertThat(read(1, TFD)).isEqualTo(0x6451); // unit attention
        restart(1);
        packet(18, 0x03, 0, 0, 0, 18);
        assertThat(memory.read8(BUFFER + 2)).isEqualTo(6);
        assertThat(memory.read8(BUFFER + 12)).isEqualTo(0x29);
        packet(4096, 0x28, 0, 0, 0, 0, 3, 0, 0, 2);
        disc.completeAll(false);
        assertThat(read(1, TFD)).isEqualTo(0x50);
        assertThat(buffer(4096)).isEqualTo(Arrays.copyOfRange(disc.content, 6144, 10240));
        command(1, 0, 512, 0xa1, 0, 0, 0);
        assertThat(memory.read16(BUFFER)).isEqualTo(0x85c0);
        command(1, 0, 512, 0xec, 0, 0, 0);
        assertThat(read(1, TFD)).isEqualTo(0x0451);
    }

    @Test
    void aSoftwareResetSendsTheSignature() {
        control(0, 4);
        control(0, 0);
        assertThat(read(0, CI)).isZero();
        assertThat(memory.read8(FIS + 0x40 + 4)).isEqualTo(1);
        assertThat(read(0, TFD) & 0xff).isEqualTo(0x50);
    }

    @Test
    void damagedCommandsNeitherThrowNorHang() {
        Random random = new Random(7);
        for (int n = 0; n < 20_000; n++) {
            int port = random.nextInt(2);
            int slot = random.nextInt(32);
            long table = TABLES + slot * 0x1000L;
            for (int at = 0; at < 0xc0; at += 4) memory.write32(table + at, random.nextInt(3) == 0 ? random.nextInt() : 0);
            memory.write16(table, random.nextInt(10) == 0 ? random.nextInt() : 0x8027);
            memory.write8(table + 2, random.nextInt(256));
            if (random.nextBoolean()) memory.write64(table + 0x80, BUFFER);
            long header = LIST + port * 0x400 + 32L * slot;
            memory.write32(header, random.nextInt(20) == 0 ? random.nextInt() : 5 | random.nextInt(4) << 16);
            memory.write64(header + 8, random.nextInt(30) == 0 ? random.nextLong() : table);
            if (random.nextInt(3) == 0) write(port, SACT, 1 << slot);
            write(port, CI, 1 << slot);
            if (random.nextInt(3) == 0) write(port, random.nextInt(32) * 4, random.nextInt(4) == 0 ? random.nextInt() : 0x11);
            if (random.nextInt(2) == 0) disk.completeAll(random.nextBoolean());
            if (random.nextInt(2) == 0) disc.completeAll(random.nextBoolean());
            write(port, 0x00, (int) LIST + port * 0x400);
            write(port, 0x04, 0);
            write(port, 0x08, (int) FIS + port * 0x100);
            write(port, 0x0c, 0);
            if (random.nextInt(4) == 0) restart(port);
        }
    }

    private void restart(int port) {
        write(port, 0x2c, 0);
        write(port, CMD, 0x10);
        write(port, IS, -1);
        write(port, CMD, 0x11);
    }

    /// A register FIS; `count` goes into count, `features` into features.
    private void command(int port, int slot, int bytes, int command, long lba, int count, int features) {
        long table = TABLES + slot * 0x1000L;
        for (int n = 0; n < 0x80; n += 8) memory.write64(table + n, 0);
        memory.write8(table, 0x27);
        memory.write8(table + 1, 0x80);
        memory.write8(table + 2, command);
        memory.write8(table + 3, features);
        for (int n = 0; n < 3; n++) {
            memory.write8(table + 4 + n, (int) (lba >> 8 * n));
            memory.write8(table + 8 + n, (int) (lba >> 24 + 8 * n));
        }
        memory.write8(table + 7, 0x40);
        memory.write16(table + 12, count);
        issue(port, slot, bytes, 5);
    }

    private void control(int port, int control) {
        long table = TABLES;
        for (int n = 0; n < 0x80; n += 8) memory.write64(table + n, 0);
        memory.write8(table, 0x27);
        memory.write8(table + 15, control);
        issue(port, 0, 0, 5);
    }

    private void packet(int bytes, int... cdb) {
        long table = TABLES;
        for (int n = 0; n < 0x80; n += 8) memory.write64(table + n, 0);
        memory.write8(table, 0x27);
        memory.write8(table + 1, 0x80);
        memory.write8(table + 2, 0xa0);
        memory.write8(table + 3, 1);
        for (int n = 0; n < cdb.length; n++) memory.write8(table + 0x40 + n, cdb[n]);
        issue(1, 0, bytes, 5 | 1 << 5);
    }

    /// In two pieces of memory where it is long enough.
    private void issue(int port, int slot, int bytes, int header) {
        long table = TABLES + slot * 0x1000L;
        int first = bytes > 1024 ? 1024 : bytes;
        int pieces = bytes == 0 ? 0 : bytes > first ? 2 : 1;
        memory.write64(table + 0x80, BUFFER);
        memory.write32(table + 0x8c, first - 1);
        memory.write64(table + 0x90, BUFFER + first);
        memory.write32(table + 0x9c, bytes - first - 1);
        long at = LIST + port * 0x400 + 32L * slot;
        memory.write32(at, header | pieces << 16);
        memory.write32(at + 4, 0);
        memory.write64(at + 8, table);
        write(port, CI, 1 << slot);
    }

    private byte[] buffer(int length) {
        byte[] bytes = new byte[length];
        memory.read(BUFFER, bytes, 0, length);
        return bytes;
    }

    private int read(int port, int offset) {
        return (int) mmio.read(ABAR + 0x100 + 0x80L * port + offset, 4);
    }

    private void write(int port, int offset, int value) {
        mmio.write(ABAR + 0x100 + 0x80L * port + offset, 4, value);
    }
}
