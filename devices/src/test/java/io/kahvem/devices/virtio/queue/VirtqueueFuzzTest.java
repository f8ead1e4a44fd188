package io.kahvem.devices.virtio.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Drivers that write anything anywhere: whatever the rings hold, polling ends, buffers lie in memory, and nothing is thrown.
/// A seed that fails is the test's name; `-Dkahvem.fuzz.rounds=N` makes it longer.
class VirtqueueFuzzTest {
    private static final int ROUNDS = Integer.getInteger("kahvem.fuzz.rounds", 1_500);
    private static final long MEMORY = 256 << 10;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void damagedRings(long seed) {
        Random random = new Random(seed);
        try (GuestMemory memory = new GuestMemory()) {
            memory.add(0, HostMemory.system().map(MEMORY), false);
            memory.add(0x10_0000, HostMemory.system().map(4096), true);
            List<String> faults = new ArrayList<>();
            Virtqueue queue = new Virtqueue(memory, 256, () -> {}, faults::add);
            int polled = 0;
            for (int round = 0; round < ROUNDS; round++) {
                boolean packed = random.nextBoolean();
                int size = packed ? 1 + random.nextInt(32) : 1 << random.nextInt(6);
                long desc = 0x1000;
                long driver = 0x2000;
                long device = 0x3000;
                queue.enable(new Virtqueue.Layout(size, desc, driver, device, packed, random.nextInt(8) > 0, random.nextBoolean()));
                List<DescriptorChain> held = new ArrayList<>();
                for (int step = 0; step < 30 && queue.enabled(); step++) {
                    damage(memory, random, desc, size, packed);
                    if (!packed) {
                        memory.write16(driver + 2, memory.read16(driver + 2) + (random.nextInt(20) == 0 ? random.nextInt() : 1));
                        for (int n = 0; n < size; n++) memory.write16(driver + 4 + 2L * n, random.nextInt(size + (step == 29 ? 5 : 0)));
                    }
                    memory.write32(random.nextBoolean() ? driver : device, random.nextInt());
                    for (DescriptorChain c; (c = queue.poll()) != null; ) {
                        polled++;
                        check(memory, c, random);
                        held.add(c);
                    }
                    while (held.size() > 3) queue.complete(held.remove(random.nextInt(held.size())), random.nextInt());
                    queue.notifyDriver();
                    if (queue.enableNotifications()) queue.disableNotifications();
                }
            }
            assertThat(polled).isGreaterThan(ROUNDS / 4);
            assertThat(faults).isNotEmpty();
        }
    }

    private static void damage(GuestMemory memory, Random random, long desc, int size, boolean packed) {
        for (int n = 0; n < size; n++) {
            long at = desc + 16L * n;
            boolean wild = random.nextInt(40) == 0;
            memory.write64(at, wild ? random.nextLong() : random.nextInt((int) MEMORY));
            memory.write32(at + 8, wild ? random.nextInt() : random.nextInt(8) * 16);
            int low = random.nextInt(6) == 0 ? random.nextInt(8) : random.nextInt(2) * Ring.DESC_F_WRITE;
            memory.write16(at + (packed ? 12 : 14), random.nextInt(wild ? 0x1_0000 : size));
            memory.write16(at + (packed ? 14 : 12), low | random.nextInt(4) << 7 & 0x80 | random.nextInt(2) << 15);
        }
    }

    private static void check(GuestMemory memory, DescriptorChain chain, Random random) {
        check(memory, chain.readable(), false);
        check(memory, chain.writable(), true);
        byte[] bytes = new byte[64];
        int offset = random.nextInt(200);
        assertThat(chain.readable().read(offset, bytes, 0, 64)).isEqualTo(Math.clamp(chain.readable().totalBytes() - offset, 0, 64));
        assertThat(chain.writable().write(offset, bytes, 0, 64)).isEqualTo(Math.clamp(chain.writable().totalBytes() - offset, 0, 64));
        chain.writable().put32(offset, random.nextInt());
        chain.readable().get64(offset);
    }

    private static void check(GuestMemory memory, GuestBuffers buffers, boolean written) {
        long total = 0;
        for (int n = 0; n < buffers.count(); n++) {
            assertThat(memory.hva(buffers.gpa(n), buffers.bytes(n))).isEqualTo(buffers.hva(n)).isNotZero();
            if (written) assertThat(memory.isRam(buffers.gpa(n), buffers.bytes(n))).isTrue();
            total += buffers.bytes(n);
        }
        assertThat(total).isEqualTo(buffers.totalBytes());
    }
}
