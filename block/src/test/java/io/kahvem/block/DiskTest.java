package io.kahvem.block;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.host.Errno;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTest {
    private static final int SIZE = 1 << 20;

    @TempDir
    private Path dir;

    private static final class Request extends BlockRequest {
        private final BlockingQueue<Integer> results = new ArrayBlockingQueue<>(1);

        @Override
        protected void completed(int errno) {
            results.add(errno);
        }

        int result() throws InterruptedException {
            Integer errno = results.poll(20, TimeUnit.SECONDS);
            assertThat(errno).as("completed").isNotNull();
            return errno;
        }
    }

    private Path image() throws IOException {
        byte[] content = new byte[SIZE];
        new Random(1).nextBytes(content);
        return Files.write(dir.resolve("disk.raw"), content);
    }

    @Test
    void readsIntoSeveralRanges() throws Exception {
        Path path = image();
        byte[] content = Files.readAllBytes(path);
        try (BlockBackend disk = Images.openDisk(path.toString(), OpenOptions.readOnly("raw"))) {
            MemorySegment memory = Bytes.zeros(8192);
            Request request = new Request();
            request.begin(Operation.READ, 4096);
            request.addRange(memory.address() + 4096, 4096);
            request.addRange(memory.address(), 4096);
            disk.submit(request);
            assertThat(request.result()).isZero();
            assertThat(memory.asSlice(4096).toArray(JAVA_BYTE)).isEqualTo(Arrays.copyOfRange(content, 4096, 8192));
            assertThat(memory.asSlice(0, 4096).toArray(JAVA_BYTE)).isEqualTo(Arrays.copyOfRange(content, 8192, 12288));
            assertThat(disk.statistics().readBytes()).isEqualTo(8192);
        }
    }

    @Test
    void writesPastThePageCacheWithoutAlignment() throws Exception {
        Path path = image();
        byte[] expected = Files.readAllBytes(path);
        MemorySegment data = Bytes.random(new Random(2), 5000);
        System.arraycopy(data.toArray(JAVA_BYTE), 0, expected, 777, 5000);
        try (BlockBackend disk = Images.openDisk(path.toString(), OpenOptions.writable("raw").withCache(CacheMode.NONE))) {
            Request request = new Request();
            request.begin(Operation.WRITE, 777);
            request.addRange(data.address(), 1000);
            request.addRange(data.address() + 1000, 4000);
            request.setDurable(true);
            disk.submit(request);
            assertThat(request.result()).isZero();
        }
        assertThat(Files.readAllBytes(path)).isEqualTo(expected);
    }

    @Test
    void zeroesAndDiscards() throws Exception {
        Path path = image();
        try (BlockBackend disk = Images.openDisk(path.toString(), OpenOptions.writable("raw"))) {
            Request request = new Request();
            request.begin(Operation.WRITE_ZEROES, 0);
            request.setLength(65536);
            request.setMayUnmap(true);
            disk.submit(request);
            assertThat(request.result()).isZero();
            request.begin(Operation.DISCARD, 65536);
            request.setLength(65536);
            disk.submit(request);
            assertThat(request.result()).isZero();
        }
        assertThat(Arrays.copyOf(Files.readAllBytes(path), 65536)).containsOnly(0);
        assertThat(path).hasSize(SIZE);
    }

    @Test
    void refusesWhatIsBeyondItsEndOrReadOnly() throws Exception {
        Path path = image();
        try (BlockBackend disk = Images.openDisk(path.toString(), OpenOptions.readOnly("raw"))) {
            MemorySegment memory = Bytes.zeros(512);
            Request request = new Request();
            request.begin(Operation.READ, SIZE);
            request.addRange(memory.address(), 512);
            disk.submit(request);
            assertThat(request.result()).isEqualTo(Errno.EIO);
            request.begin(Operation.WRITE, 0);
            request.addRange(memory.address(), 512);
            disk.submit(request);
            assertThat(request.result()).isEqualTo(Errno.EROFS);
        }
    }

    @Test
    void holdsRequestsThatAnErrorStopsUntilTheyAreRetried() throws Exception {
        FailingNode node = new FailingNode(SIZE, Errno.ENOSPC);
        try (Disk disk = new Disk(node)) {
            BlockingQueue<Boolean> heard = new ArrayBlockingQueue<>(10);
            disk.onError(ErrorPolicy.REPORT, ErrorPolicy.ENOSPC, (operation, errno, stopped) -> heard.add(stopped));
            Request request = new Request();
            request.begin(Operation.WRITE, 0);
            request.addRange(Bytes.zeros(512).address(), 512);
            disk.submit(request);
            assertThat(heard.poll(20, TimeUnit.SECONDS)).isTrue();
            disk.drain();
            assertThat(request.results).isEmpty();
            node.mend();
            disk.retryStopped();
            assertThat(request.result()).isZero();
            assertThat(disk.statistics().writes()).isEqualTo(1);
        }
    }

    @Test
    void readsWhatTheHostHasInMemoryHereAndNow() throws Exception {
        Path path = image();
        byte[] content = Files.readAllBytes(path);
        try (Disk disk = (Disk) Images.openDisk(path.toString(), OpenOptions.readOnly("raw"))) {
            MemorySegment memory = Bytes.zeros(8192);
            Request request = new Request();
            request.begin(Operation.READ, 512);
            request.addRange(memory.address(), 8192);
            assumeTrue(disk.readAtOnce(request), "this host reads at once");
            assertThat(memory.toArray(JAVA_BYTE)).isEqualTo(Arrays.copyOfRange(content, 512, 512 + 8192));
            assertThat(request.results).as("nobody completes it").isEmpty();
            assertThat(disk.statistics().readBytes()).isEqualTo(8192);
            request.begin(Operation.READ, SIZE - 512);
            request.addRange(memory.address(), 8192);
            assertThat(disk.readAtOnce(request)).as("beyond the end").isFalse();
            request.begin(Operation.READ, 0);
            request.addRange(memory.address(), 512);
            disk.setThrottle(new Throttle(1 << 30, 0));
            assertThat(disk.readAtOnce(request)).as("a throttled one waits for its turn").isFalse();
            disk.setThrottle(Throttle.NONE);
            disk.exclusively(() -> assertThat(disk.readAtOnce(request)).as("while others are kept out").isFalse());
            assertThat(disk.readAtOnce(request)).isTrue();
        }
    }

    @Test
    void completesEachOfManyRequestsOnceAndAnnouncesThemAll() throws Exception {
        Path path = image();
        MemorySegment data = Bytes.random(new Random(3), 4096);
        AtomicInteger completed = new AtomicInteger();
        AtomicInteger announced = new AtomicInteger();
        Runnable announcement = () -> announced.accumulateAndGet(completed.get(), Math::max);
        int rounds = 200;
        int atOnce = 32;
        try (BlockBackend disk = Images.openDisk(path.toString(), OpenOptions.writable("raw"))) {
            for (int round = 1; round <= rounds; round++) {
                for (int n = 0; n < atOnce; n++) {
                    BlockRequest request = new BlockRequest() {
                        @Override
                        protected void completed(int errno) {
                            if (errno == 0) completed.incrementAndGet();
                        }

                        @Override
                        protected Runnable announcement() {
                            return announcement;
                        }
                    };
                    request.begin(n % 8 == 7 ? Operation.FLUSH : n % 2 == 0 ? Operation.WRITE : Operation.READ, n * 4096L);
                    if (request.operation() != Operation.FLUSH) request.addRange(data.address(), 4096);
                    disk.submit(request);
                }
                if (round % 3 != 0) continue; // some rounds come before those ahead of them have ended
                disk.drain();
                assertThat(completed).hasValue(round * atOnce);
                assertThat(announced).as("drained is announced").hasValue(round * atOnce);
            }
        }
    }
}
