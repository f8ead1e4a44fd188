package io.kahvem.vmm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.config.Boot;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kernels with some bytes changed at random: they load, or a BootException tells why not; nothing else is thrown, and no message is
/// without words.
class DamagedImagesTest {
    private static final int ROUNDS = 400;
    private static final long AT = 0x100_0000;

    @TempDir
    Path directory;

    @Test
    void bzImages() throws IOException {
        Images.Load text = new Images.Load(AT, AT, Images.filled(3000, 0x11), 9000);
        byte[] elf = Images.elf64(AT, new byte[0], text, new Images.Load(0, AT + 0x4000, Images.filled(10, 0x22), 10));
        damage(Images.bzImage(elf, elf.length), 0x1f1, 0x270, 1);
        damage(Images.bzImage(elf, elf.length), 5 * 512 + 0x40, 5 * 512 + 0x40 + 232, 2);
    }

    @Test
    void elfFiles() throws IOException {
        byte[] elf = Images.elf64(AT, Images.pvhNote(AT), new Images.Load(AT, AT, Images.filled(300, 0x11), 9000));
        damage(elf, 4, 64 + 2 * 56, 3);
        damage(elf, elf.length - 44, elf.length, 4);
    }

    @Test
    void multibootKernels() throws IOException {
        byte[] header = new byte[48];
        Bytes.put32(header, 0, 0x1bad_b002);
        Bytes.put32(header, 4, 1 << 16);
        Bytes.put32(header, 8, -(0x1bad_b002 + (1 << 16)));
        Bytes.put32(header, 12, AT);
        Bytes.put32(header, 16, AT);
        Bytes.put32(header, 20, AT + 48);
        Bytes.put32(header, 24, AT + 0x1000);
        Bytes.put32(header, 28, AT + 32);
        damage(header, 12, 48, 5);
    }

    private void damage(byte[] image, int from, int to, long seed) throws IOException {
        Random random = new Random(seed);
        MemoryLayout layout = MemoryLayout.of(32 << 20);
        try (GuestMemory memory = new GuestMemory()) {
            memory.add(0, HostMemory.system().map(layout.lowBytes()), false);
            Path file = directory.resolve("kernel");
            for (int i = 0; i < ROUNDS; i++) {
                byte[] damaged = image.clone();
                for (int n = random.nextInt(4); n >= 0; n--) {
                    damaged[from + random.nextInt(to - from)] = (byte) (random.nextBoolean() ? 0xff : random.nextInt());
                }
                Files.write(file, damaged);
                try (BootImage kernel = BootImage.open(new Boot.Kernel(file, Optional.empty(), "quiet"))) {
                    kernel.load(new BootTarget(memory, layout, 0, new byte[0]));
                } catch (BootException told) {
                    assertThat(told).hasMessageNotContaining("null");
                }
            }
        }
    }
}
