package io.kahvem.devices.firmware;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.bus.IoBus;
import io.kahvem.host.HostMemory;
import io.kahvem.host.Mapping;
import io.kahvem.memory.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The chip as OVMF drives it.
class FlashChipTest {
    private static final long BASE = 0xffc0_0000L;
    private static final int BYTES = 4 * FlashChip.BLOCK;

    private final GuestMemory memory = new GuestMemory();
    private final IoBus bus = new IoBus("memory");
    private final byte[] kept = new byte[BYTES];
    private final Mapping content = HostMemory.system().map(BYTES);
    private int saves;
    private FlashChip chip = make();

    private FlashChip make() {
        return new FlashChip(memory, BASE, content, (offset, bytes) -> {
            saves++;
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, kept, (int) offset, (int) bytes.byteSize());
        });
    }

    @BeforeEach
    void fit() {
        bus.add("flash memory", BASE, BYTES, chip);
    }

    @AfterEach
    void free() {
        memory.close();
        content.close();
    }

    private void write(long offset, int value) {
        bus.write(BASE + offset, 1, value);
    }

    /// As a vCPU sees it: memory where there is some, else the bus.
    private int read(long offset) {
        return memory.slotAt(BASE + offset) == null ? (int) bus.read(BASE + offset, 1) & 0xff : memory.read8(BASE + offset) & 0xff;
    }

    @Test
    void itIsMemoryToReadAndTellsItselfFromMemoryByItsStatus() {
        assertThat(memory.slotAt(BASE)).isNotNull();
        assertThat(read(0)).isZero();
        write(0, 0x50);
        assertThat(read(0)).as("array, not what was written").isZero();
        write(0, 0x70);
        assertThat(memory.slotAt(BASE)).isNull();
        assertThat(read(0)).as("status, all clear").isZero();
        write(0, 0xff);
        assertThat(memory.slotAt(BASE)).isNotNull();
    }

    @Test
    void bytesAreProgrammedAndBlocksErased() {
        write(5000, 0x10);
        write(5000, 0x5a);
        assertThat(read(5000)).isEqualTo(0x80);
        assertThat(saves).as("nothing is kept before the array is shown").isZero();
        write(5000, 0xff);
        assertThat(read(5000)).isEqualTo(0x5a);
        assertThat(kept[5000]).isEqualTo((byte) 0x5a);
        write(4096, 0x20);
        write(4096, 0xd0);
        write(4096, 0xff);
        for (int n = 0; n < BYTES; n++) assertThat(read(n)).as("byte %d", n).isEqualTo(n / FlashChip.BLOCK == 1 ? 0xff : 0);
        assertThat(kept[5000]).isEqualTo((byte) 0xff);
        assertThat(saves).isEqualTo(2);
    }

    @Test
    void aBufferIsProgrammedAtOnce() {
        write(0, 0xe8);
        assertThat(read(0) & 0x80).isNotZero();
        write(0, 3);
        for (int n = 0; n < 4; n++) write(100 + n, 10 + n);
        write(0, 0xd0);
        write(0, 0xff);
        assertThat(new int[] {read(100), read(101), read(102), read(103)}).containsExactly(10, 11, 12, 13);
    }

    @Test
    void itSaysWhatItIs() {
        write(0, 0x98);
        assertThat(new String(new char[] {(char) read(0x10), (char) read(0x11), (char) read(0x12)})).isEqualTo("QRY");
        assertThat(read(0x27)).as("the logarithm of its size").isEqualTo(14);
        write(0, 0x90);
        assertThat(read(0)).isEqualTo(0x89);
        chip.reset();
        assertThat(read(0)).isZero();
    }

    @Test
    void anEraseThatIsNotConfirmedIsAnError() {
        write(0, 0x20);
        write(0, 0x12);
        assertThat(read(0)).isEqualTo(0xb0);
        write(0, 0xff);
        assertThat(read(0)).isZero();
    }

    @Test
    void noCommandReachesBeyondIt() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            int[] commands = {0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98, 0xd0, 0xe8, 0xff};
            for (int n = 0; n < 200; n++) {
                int size = 1 << random.nextInt(4);
                long offset = random.nextInt(BYTES / size) * (long) size;
                int value = random.nextBoolean() ? commands[random.nextInt(commands.length)] : random.nextInt();
                if (random.nextInt(4) == 0) bus.read(BASE + offset, size);
                else bus.write(BASE + offset, size, value);
            }
            chip.reset();
            for (int n = 0; n < BYTES; n += 97) read(n);
        }
    }
}
