package io.kahvem.devices.firmware;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.bus.IoBus;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FwCfgTest {
    private static final int MEMORY_BYTES = 1 << 20;
    private static final int READ = 2;
    private static final int SKIP = 4;
    private static final int SELECT = 8;
    private static final int WRITE = 16;
    private static final long COMMAND = 0x1000;

    private final GuestMemory memory = new GuestMemory();
    private final FwCfg fwCfg = new FwCfg(memory);
    private final IoBus ports = new IoBus("ports");

    @BeforeEach
    void fit() {
        memory.add(0, HostMemory.system().map(MEMORY_BYTES), false);
        fwCfg.file("etc/one", "first".getBytes(US_ASCII));
        fwCfg.file("etc/two", 4, 0x1234_5678);
        ports.add("fw_cfg", FwCfg.PORT, FwCfg.PORTS, fwCfg.ports());
        ports.add("fw_cfg DMA", FwCfg.DMA_PORT, FwCfg.DMA_PORTS, fwCfg.dmaPorts());
    }

    @AfterEach
    void free() {
        memory.close();
    }

    @Test
    void itIsKnownByItsSignatureAndSaysThatItHasDma() {
        assertThat(new String(bytes(0, 4), US_ASCII)).isEqualTo("QEMU");
        assertThat(bytes(1, 4)).containsExactly(3, 0, 0, 0);
        assertThat(ports.read(FwCfg.DMA_PORT, 4)).isEqualTo(0x554d_4551L);
        assertThat(ports.read(FwCfg.DMA_PORT + 4, 4)).isEqualTo(0x4746_4320L);
    }

    @Test
    void theDirectoryNamesEachFileWithItsSizeAndItsKey() {
        ByteBuffer directory = ByteBuffer.wrap(bytes(0x19, 4 + 2 * 64));
        assertThat(directory.getInt(0)).isEqualTo(2);
        assertThat(directory.getInt(4)).isEqualTo(5);
        assertThat(directory.getShort(8)).isEqualTo((short) 0x20);
        assertThat(new String(directory.array(), 12, 8, US_ASCII)).isEqualTo("etc/one\0");
        assertThat(directory.getInt(68)).isEqualTo(4);
        assertThat(bytes(directory.getShort(72), 6)).containsExactly(0x78, 0x56, 0x34, 0x12, 0, 0);
    }

    @Test
    void dmaSelectsSkipsAndReadsWithZerosBehindTheEnd() {
        assertThat(dma(SELECT | READ | 0x20 << 16, 2, 0x2000)).isZero();
        assertThat(memory.read16(0x2000)).isEqualTo('f' | 'i' << 8);
        assertThat(dma(SKIP, 1, 0)).isZero();
        memory.write64(0x2000, -1);
        assertThat(dma(READ, 6, 0x2000)).isZero();
        assertThat(memory.read64(0x2000)).isEqualTo(0xffff_0000_0000_0000L | 't' << 8 | 's');
    }

    @Test
    void writesAndTransfersOutsideOfMemoryAreErrors() {
        assertThat(dma(SELECT | WRITE | 0x20 << 16, 2, 0x2000)).isEqualTo(1);
        assertThat(dma(SELECT | READ | 0x20 << 16, 2, MEMORY_BYTES)).isEqualTo(1);
        assertThat(dma(SELECT | READ | 0x20 << 16, 0xffff_ffff, 0)).isEqualTo(1);
    }

    @Test
    void noSequenceOfAccessesHarmsIt() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(51);
        for (int i = 0; i < 20_000; i++) {
            for (int at = 0; at < 16; at += 4) memory.write32(COMMAND + at, random.nextInt() >>> random.nextInt(32));
            long port = FwCfg.PORT + random.nextInt(FwCfg.PORTS + FwCfg.DMA_PORTS);
            int size = 1 << random.nextInt(3);
            switch (random.nextInt(3)) {
                case 0 -> ports.read(port, size);
                case 1 -> ports.write(port, size, random.nextInt());
                default -> ports.write(FwCfg.DMA_PORT + 4, 4, Integer.reverseBytes((int) COMMAND));
            }
        }
        assertThat(new String(bytes(0, 4), US_ASCII)).isEqualTo("QEMU");
    }

    private int dma(int control, int length, long address) {
        memory.write32(COMMAND, Integer.reverseBytes(control));
        memory.write32(COMMAND + 4, Integer.reverseBytes(length));
        memory.write64(COMMAND + 8, Long.reverseBytes(address));
        ports.write(FwCfg.DMA_PORT, 4, 0);
        ports.write(FwCfg.DMA_PORT + 4, 4, Integer.reverseBytes((int) COMMAND));
        return Integer.reverseBytes(memory.read32(COMMAND));
    }

    private byte[] bytes(int key, int count) {
        ports.write(FwCfg.PORT, 2, key);
        byte[] result = new byte[count];
        for (int i = 0; i < count; i++) result[i] = (byte) ports.read(FwCfg.PORT + 1, 1);
        return result;
    }
}
