package io.kahvem.block;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

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
}
