package io.kahvem.devices.virtio.queue;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VirtqueueTest {
    private static final long MEMORY = 4L << 20;
    private static final int SIZE = 8;

    private final GuestMemory memory = new GuestMemory();
    private final List<String> faults = new ArrayList<>();
    private int interrupts;
    private final Virtqueue queue = new Virtqueue(memory, 256, () -> interrupts++, faults::add);

    @BeforeEach
    void mapMemory() {
        memory.add(0, HostMemory.system().map(MEMORY), false);
    }

    @AfterEach
    void unmapMemory() {
        memory.close();
    }

    private FakeDriver driver(boolean packed, boolean eventIndex) {
        return driver(SIZE, packed, eventIndex);
    }

    private FakeDriver driver(int size, boolean packed, boolean eventIndex) {
        FakeDriver driver = new FakeDriver(memory, 0x10_0000, size, packed, true, eventIndex);
        queue.enable(driver.layout());
        return driver;
    }

    private DescriptorChain poll() {
        return requireNonNull(queue.poll(), () -> "no chain; " + faults);
    }

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void aChainCarriesBytesBothWays(boolean packed, boolean indirect) {
        FakeDriver driver = driver(packed, true);
        long out1 = driver.buffer(3);
        long out2 = driver.buffer(5);
        long in1 = driver.buffer(4);
        long in2 = driver.buffer(100);
        memory.write(out1, "abc".getBytes(UTF_8));
        memory.write(out2, "defgh".getBytes(UTF_8));
        List<Buffer> buffers = List.of(
                new Buffer(out1, 3, false), new Buffer(out2, 5, false), new Buffer(in1, 4, true), new Buffer(in2, 100, true));
        int id = driver.offer(buffers, indirect);

        DescriptorChain chain = poll();
        assertThat(queue.poll()).isNull();
        assertThat(chain.readable().totalBytes()).isEqualTo(8);
        assertThat(chain.writable().totalBytes()).isEqualTo(104);
        byte[] read = new byte[10];
        assertThat(chain.readable().read(1, read, 0, 10)).isEqualTo(7);
        assertThat(new String(read, 0, 7, UTF_8)).isEqualTo("bcdefgh");
        assertThat(chain.readable().get32(2)).isEqualTo('c' | 'd' << 8 | 'e' << 16 | 'f' << 24);
        assertThat(chain.writable().write(2, "0123".getBytes(UTF_8), 0, 4)).isEqualTo(4);
        chain.writable().put64(96, 0x1122334455667788L);
        queue.complete(chain, 104);

        assertThat(driver.takeUsed()).isEqualTo(new FakeDriver.Used(id, 104));
        assertThat(driver.takeUsed()).isNull();
        assertThat(memory.read16(in1 + 2)).isEqualTo('0' | '1' << 8);
        assertThat(memory.read16(in2)).isEqualTo('2' | '3' << 8);
        assertThat(memory.read64(in2 + 92)).isEqualTo(0x1122334455667788L);
        assertThat(faults).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void randomTrafficComesBackOnceInAnyOrderWithTheInterruptsAndNotificationsAskedFor(boolean packed, boolean eventIndex) {
        Random random = new Random(42);
        FakeDriver driver = driver(16, packed, eventIndex);
        Map<Integer, Integer> expected = new HashMap<>();
        List<DescriptorChain> held = new ArrayList<>();
        long buffer = driver.buffer(64);
        int returned = 0;
        boolean deviceAsleep = true;
        queue.enableNotifications();
        for (int step = 0; step < 50_000; step++) {
            int segments = 1 + random.nextInt(4);
            boolean indirect = random.nextBoolean();
            if (random.nextBoolean() && driver.freeEntries() >= (indirect ? 1 : segments)) {
                List<Buffer> chain = new ArrayList<>();
                for (int n = 0; n < segments; n++) chain.add(new Buffer(buffer, n + 1, n > 0));
                int id = driver.offer(chain, indirect);
                expected.put(id, (segments + 1) * segments / 2 - 1);
                boolean notify = driver.mustNotify();
                // A device that sleeps must be told; one that looks by itself need not be.
                if (deviceAsleep) assertThat(notify).as("notified at step %d", step).isTrue();
                if (!deviceAsleep && (packed || !eventIndex)) assertThat(notify).isFalse();
                queue.disableNotifications();
                deviceAsleep = false;
            }
            DescriptorChain polled = queue.poll();
            if (polled != null) {
                assertThat(polled.writable().totalBytes()).isEqualTo((long) requireNonNull(expected.get(polled.id())));
                held.add(polled);
            } else if (!deviceAsleep) {
                assertThat(queue.enableNotifications()).isFalse();
                deviceAsleep = true;
            }
            assertThat(queue.inFlight()).isEqualTo(held.size());
            if (!held.isEmpty() && random.nextInt(3) == 0) {
                boolean wanted = random.nextBoolean();
                if (wanted) {
                    driver.wantInterrupt(0);
                } else {
                    driver.wantNoInterrupts();
                }
                int before = interrupts;
                DescriptorChain done = held.remove(random.nextInt(held.size()));
                queue.complete(done, done.writable().totalBytes());
                queue.notifyDriver();
                if (returned > 0 || !eventIndex) assertThat(interrupts - before).isEqualTo(wanted ? 1 : 0);
                FakeDriver.Used used = requireNonNull(driver.takeUsed());
                assertThat(used.written()).isEqualTo(expected.remove(used.id()));
                returned++;
            }
        }
        assertThat(faults).isEmpty();
        assertThat(returned).isGreaterThan(5_000);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anEventIndexAsksForOneInterruptAfterSeveralChains(boolean packed) {
        FakeDriver driver = driver(packed, true);
        long buffer = driver.buffer(16);
        for (int round = 0; round < 20; round++) {
            for (int n = 0; n < 5; n++) driver.offer(new Buffer(buffer, 16, true));
            driver.wantInterrupt(3);
            int before = interrupts;
            for (int n = 0; n < 5; n++) {
                queue.complete(poll(), 16);
                queue.notifyDriver();
                if (round > 0) assertThat(interrupts - before).isEqualTo(n < 3 ? 0 : 1);
            }
            for (int n = 0; n < 5; n++) assertThat(driver.takeUsed()).isNotNull();
        }
    }

    @Test
    void aRequestAllocatesNoChainOnceItsIdWasInUse() {
        FakeDriver driver = driver(false, true);
        Buffer buffer = new Buffer(driver.buffer(16), 16, true);
        Set<DescriptorChain> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (int n = 0; n < 1_000; n++) {
            driver.offerIndirect(buffer);
            DescriptorChain chain = poll();
            seen.add(chain);
            queue.complete(chain, 16);
            driver.takeUsed();
        }
        assertThat(seen).hasSize(SIZE);
    }

    @Test
    void afterAResetWhatWasInFlightIsForgotten() {
        FakeDriver driver = driver(false, false);
        driver.offer(new Buffer(driver.buffer(4), 4, true));
        DescriptorChain chain = poll();
        queue.reset();
        queue.complete(chain, 4);
        assertThat(queue.inFlight()).isZero();
        assertThat(driver.takeUsed()).isNull();
        assertThat(queue.poll()).isNull();
        queue.notifyDriver();
        assertThat(interrupts).isZero();
    }

    @Test
    void aLoopOfDescriptorsBreaksTheQueue() {
        FakeDriver driver = driver(false, false);
        driver.writeDescriptor(0, 0x1000, 4, Ring.DESC_F_NEXT, 1);
        driver.writeDescriptor(1, 0x1000, 4, Ring.DESC_F_NEXT, 0);
        driver.writeAvailable(0);
        assertBroken("a loop in the chain of descriptor 0");
        driver.writeAvailable(0);
        assertThat(queue.poll()).isNull();
    }

    @Test
    void aLoopInAnIndirectTableBreaksTheQueue() {
        FakeDriver driver = driver(false, false);
        driver.offerIndirect(new Buffer(0x1000, 4, false), new Buffer(0x1000, 4, false));
        long table = memory.read64(0x10_0000);
        memory.write16(table + 16 + 12, Ring.DESC_F_NEXT);
        memory.write16(table + 16 + 14, 0);
        assertBroken("a loop in the indirect table");
    }

    @Test
    void indexesOutOfRangeBreakTheQueue() {
        driver(false, false).writeAvailable(SIZE);
        assertBroken("descriptor 8 of 8");
        FakeDriver second = driver(false, false);
        second.writeDescriptor(0, 0x1000, 4, Ring.DESC_F_NEXT, 0xffff);
        second.writeAvailable(0);
        assertBroken("a chain that leads to descriptor 65535 of 8");
        FakeDriver third = driver(false, false);
        memory.write16(third.layout().driverGpa() + 2, SIZE + 1);
        assertBroken("an available index 9 entries ahead in a ring of 8");
    }

    @Test
    void buffersOutsideOfMemoryOrOutOfOrderBreakTheQueue() {
        driver(false, false).offer(new Buffer(MEMORY - 4, 8, true));
        assertBroken("not in memory");
        driver(true, false).offer(new Buffer(-4L, 0xffff_ffffL, false));
        assertBroken("not in memory");
        driver(false, false).offer(new Buffer(0x1000, 4, true), new Buffer(0x1000, 4, false));
        assertBroken("out of order");
        driver(true, false).offerIndirect(new Buffer(0x1000, 4, true), new Buffer(0x1000, 4, false));
        assertBroken("out of order");
    }

    @Test
    void indirectTablesThatCannotBeBreakTheQueue() {
        FakeDriver driver = driver(false, false);
        driver.writeDescriptor(0, 0x1000, 17, Ring.DESC_F_INDIRECT, 0);
        driver.writeAvailable(0);
        assertBroken("an indirect table of 17 bytes");
        driver = driver(false, false);
        driver.writeDescriptor(0, 0x1000, 0xffff_fff0L, Ring.DESC_F_INDIRECT, 0);
        driver.writeAvailable(0);
        assertBroken("descriptors");
        driver = driver(false, false);
        driver.writeDescriptor(0, MEMORY, 16, Ring.DESC_F_INDIRECT, 0);
        driver.writeAvailable(0);
        assertBroken("an indirect table outside of memory");
        driver = driver(false, false);
        driver.writeDescriptor(0, 0x1000, 16, Ring.DESC_F_INDIRECT | Ring.DESC_F_NEXT, 1);
        driver.writeAvailable(0);
        assertBroken("with a next one");
        FakeDriver plain = new FakeDriver(memory, 0x10_0000, SIZE, false, false, false);
        queue.enable(plain.layout());
        plain.offerIndirect(new Buffer(0x1000, 4, false));
        assertBroken("not negotiated");
    }

    @Test
    void anIdThatIsStillInFlightBreaksTheQueue() {
        FakeDriver driver = driver(false, false);
        int head = driver.offer(new Buffer(0x1000, 4, false));
        poll();
        driver.writeAvailable(head);
        assertBroken("while the device still has it");
    }

    @Test
    void ringsThatCannotBeAreTold() {
        Virtqueue.Layout good = driver(false, false).layout();
        for (boolean packed : new boolean[] {false, true}) {
            queue.enable(new Virtqueue.Layout(512, 0, 0x10000, 0x20000, packed, true, true));
            assertBroken("512 entries where at most 256 may be");
            queue.enable(new Virtqueue.Layout(8, 0x1001, good.driverGpa(), good.deviceGpa(), packed, true, true));
            assertBroken("not aligned");
            queue.enable(new Virtqueue.Layout(8, MEMORY - 16, good.driverGpa(), good.deviceGpa(), packed, true, true));
            assertBroken("outside of memory");
            queue.enable(new Virtqueue.Layout(8, good.descGpa(), MEMORY, good.deviceGpa(), packed, true, true));
            assertBroken("outside of memory");
            queue.enable(new Virtqueue.Layout(8, good.descGpa(), good.driverGpa(), -4L, packed, true, true));
            assertBroken("outside of memory");
        }
        queue.enable(new Virtqueue.Layout(7, good.descGpa(), good.driverGpa(), good.deviceGpa(), false, true, true));
        assertBroken("no power of 2");
    }

    private void assertBroken(String why) {
        @Nullable DescriptorChain chain = queue.poll();
        assertThat(chain).isNull();
        assertThat(faults).hasSize(1);
        assertThat(faults.getFirst()).contains(why);
        assertThat(queue.enabled()).isFalse();
        faults.clear();
    }
}
