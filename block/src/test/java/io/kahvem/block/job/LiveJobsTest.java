package io.kahvem.block.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.block.BlockNode;
import io.kahvem.block.BlockRequest;
import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.block.Bytes;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.block.Formats;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.QemuTools;
import io.kahvem.block.Throttle;
import io.kahvem.block.qcow2.Qcow2Node;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Jobs while a guest writes all the time: what the disk shows is always what the guest wrote.
@Timeout(60)
class LiveJobsTest {
    private static final int SIZE = 16 << 20;

    @TempDir
    private Path dir;

    private final byte[] model = new byte[SIZE];

    /// A guest that writes on, from its own thread, until it is stopped.
    private final class Guest implements AutoCloseable {
        private final Disk disk;
        private final Thread thread;
        private volatile boolean stopped;

        Guest(Disk disk, int seed) {
            this.disk = disk;
            thread = Thread.ofPlatform().start(() -> {
                Random random = new Random(seed);
                while (!stopped) write(disk, random);
            });
        }

        @Override
        public void close() throws InterruptedException {
            stopped = true;
            thread.join();
            disk.drain();
        }
    }

    private static final class Request extends BlockRequest {
        private final Semaphore done = new Semaphore(0);
        private volatile int errno;

        @Override
        protected void completed(int result) {
            errno = result;
            done.release();
        }

        void on(Disk disk) {
            disk.submit(this);
            done.acquireUninterruptibly();
            assertThat(errno).isZero();
        }
    }

    private void write(Disk disk, Random random) {
        int offset = random.nextInt(SIZE / 512 - 40) * 512;
        MemorySegment data = Bytes.random(random, 512 * (1 + random.nextInt(40)));
        Request request = new Request();
        request.begin(Operation.WRITE, offset);
        request.addRange(data.address(), data.byteSize());
        request.on(disk);
        MemorySegment.ofArray(model).asSlice(offset, data.byteSize()).copyFrom(data);
    }

    @BeforeEach
    void qemu() {
        QemuTools.needed();
    }

    private String make(String name) {
        String path = dir.resolve(name).toString();
        Images.create(Formats.named("qcow2"), path, SIZE, new CreateOptions(Formats.named("qcow2")));
        return path;
    }

    private Disk disk(String name) {
        Disk disk = new Disk(Images.open(make(name), OpenOptions.writable("qcow2")));
        Random random = new Random(1);
        for (int n = 0; n < 200; n++) write(disk, random);
        return disk;
    }

    private void shows(Disk disk) {
        assertThat(Arrays.mismatch(Bytes.read(disk.node(), 0, SIZE), model)).isEqualTo(-1);
    }

    private void holds(String name) {
        QemuTools.check(dir.resolve(name));
        try (BlockNode node = Images.open(dir.resolve(name).toString(), OpenOptions.readOnly("qcow2"))) {
            assertThat(Arrays.mismatch(Bytes.read(node, 0, SIZE), model)).isEqualTo(-1);
        }
    }

    @Test
    void snapshotsThenCommitsIntoTheBase() throws Exception {
        try (Disk disk = disk("base.qcow2")) {
            byte[] before;
            try (Guest guest = new Guest(disk, 2)) {
                LiveSnapshot.take(disk, dir.resolve("top.qcow2").toString());
            }
            BlockNode base = Objects.requireNonNull(disk.node().backing());
            before = Bytes.read(base, 0, SIZE);
            try (Guest guest = new Guest(disk, 3)) {
                Thread.sleep(50);
            }
            assertThat(Arrays.equals(Bytes.read(base, 0, SIZE), before)).as("the base stays as it was").isTrue();
            shows(disk);
            try (Guest guest = new Guest(disk, 4)) {
                LiveCopy commit = LiveCopy.commit(disk, base);
                commit.run(JobControl.NONE);
                commit.conclude(true);
                assertThat(disk.node()).isSameAs(base);
            }
            shows(disk);
        }
        holds("base.qcow2");
        QemuTools.check(dir.resolve("top.qcow2"));
    }

    @Test
    void streamsTheBaseIntoTheTop() throws Exception {
        try (Disk disk = disk("base.qcow2")) {
            LiveSnapshot.take(disk, dir.resolve("top.qcow2").toString());
            try (Guest guest = new Guest(disk, 5)) {
                LiveStream stream = new LiveStream(disk, null);
                stream.run(JobControl.NONE);
                stream.conclude(false);
            }
            assertThat(disk.node().backing()).isNull();
            shows(disk);
        }
        assertThat(QemuTools.img("info", dir.resolve("top.qcow2"))).doesNotContain("backing file");
        holds("top.qcow2");
    }

    @Test
    void mirrorsAndGoesOnInTheCopy() throws Exception {
        try (Disk disk = disk("from.qcow2")) {
            BlockNode target = Images.open(make("to.qcow2"), OpenOptions.writable("qcow2"));
            try (Guest guest = new Guest(disk, 6)) {
                LiveCopy mirror = LiveCopy.mirror(disk, target);
                mirror.run(JobControl.NONE);
                mirror.conclude(true);
            }
            shows(disk);
        }
        holds("to.qcow2");
        QemuTools.check(dir.resolve("from.qcow2"));
    }

    @Test
    void backsUpOneMomentAndThenWhatChangedSince() throws Exception {
        try (Disk disk = disk("disk.qcow2"); BlockNode target = Images.open(make("backup.qcow2"), OpenOptions.writable("qcow2"))) {
            Qcow2Node node = (Qcow2Node) disk.node();
            node.bitmaps().add("since", 65_536, true);
            byte[] moment = model.clone();
            LiveBackup full = LiveBackup.start(disk, target, null);
            try (Guest guest = new Guest(disk, 7)) {
                full.run(JobControl.NONE);
                full.conclude(false);
            }
            assertThat(Arrays.mismatch(Bytes.read(target, 0, SIZE), moment)).isEqualTo(-1);
            assertThat(node.bitmaps().needed("since").dirtyBytes()).isPositive();
            moment = model.clone();
            LiveBackup later = LiveBackup.start(disk, target, node.bitmaps().needed("since"));
            try (Guest guest = new Guest(disk, 8)) {
                later.run(JobControl.NONE);
                later.conclude(false);
            }
            assertThat(Arrays.mismatch(Bytes.read(target, 0, SIZE), moment)).isEqualTo(-1);
        }
        holds("disk.qcow2");
    }

    @Test
    void commitsALayerInTheMiddleAndStreamsDownToABase() throws Exception {
        try (Disk disk = disk("base.qcow2")) {
            for (String name : new String[] {"one.qcow2", "two.qcow2", "three.qcow2"}) {
                LiveSnapshot.take(disk, dir.resolve(name).toString());
                Random random = new Random(name.hashCode());
                for (int n = 0; n < 100; n++) write(disk, random);
            }
            BlockNode two = Objects.requireNonNull(disk.node().backing());
            BlockNode one = Objects.requireNonNull(two.backing());
            BlockNode base = Objects.requireNonNull(one.backing());
            try (Guest guest = new Guest(disk, 10)) {
                LiveCommit commit = new LiveCommit(disk, one, base);
                commit.run(JobControl.NONE);
                commit.conclude(false);
            }
            assertThat(two.backing()).isSameAs(base);
            shows(disk);
            try (Guest guest = new Guest(disk, 11)) {
                LiveStream stream = new LiveStream(disk, base);
                stream.run(JobControl.NONE);
                stream.conclude(false);
            }
            assertThat(disk.node().backing()).isSameAs(base);
            shows(disk);
        }
        assertThat(QemuTools.img("info", dir.resolve("three.qcow2"))).contains("base.qcow2");
        holds("three.qcow2");
    }

    @Test
    void mirrorsTheTopLayerAloneAndGoesOnOverTheSameLayers() throws Exception {
        try (Disk disk = disk("base.qcow2")) {
            LiveSnapshot.take(disk, dir.resolve("top.qcow2").toString());
            BlockNode base = Objects.requireNonNull(disk.node().backing());
            String copy = dir.resolve("copy.qcow2").toString();
            CreateOptions large = LiveSnapshot.over(base, Formats.named("qcow2")).set("cluster_size", "2M");
            Images.create(Formats.named("qcow2"), copy, SIZE, large);
            BlockNode target = Images.open(copy, OpenOptions.writable("qcow2").withBacking(false));
            try (Guest guest = new Guest(disk, 12)) {
                LiveCopy mirror = LiveCopy.mirror(disk, target, LiveCopy.Sync.TOP, false);
                mirror.run(JobControl.NONE);
                mirror.conclude(true);
            }
            assertThat(disk.node()).isSameAs(target);
            assertThat(target.backing()).isSameAs(base);
            shows(disk);
        }
        holds("copy.qcow2");
    }

    @Test
    void forgottenBitmapsNoteWhatTheGuestWrites() {
        try (Disk disk = disk("disk.qcow2")) {
            DirtyBitmap bitmap = disk.bitmaps().add("b", 0, false, true);
            assertThat(disk.bitmaps().isPersistent(bitmap)).isFalse();
            byte[] before = model.clone();
            Random random = new Random(13);
            for (int n = 0; n < 20; n++) write(disk, random);
            for (int at = 0; at < SIZE; at += bitmap.granularity()) {
                boolean same = Arrays.equals(before, at, at + bitmap.granularity(), model, at, at + bitmap.granularity());
                assertThat(bitmap.isDirty(at) || same).isTrue();
            }
            assertThat(bitmap.markedBytes()).isPositive();
            disk.bitmaps().remove("b");
            assertThat(disk.bitmaps().list()).isEmpty();
        }
    }

    @Test
    void readsGoOnWhileWritesWaitForTheirRate() {
        try (Disk disk = disk("disk.qcow2")) {
            disk.setThrottle(new Throttle(Throttle.Rate.UNLIMITED, Throttle.Rate.UNLIMITED, new Throttle.Rate(0, 1), 0));
            Random random = new Random(14);
            write(disk, random);
            MemorySegment data = Bytes.random(random, 512);
            Request late = new Request();
            late.begin(Operation.WRITE, 0);
            late.addRange(data.address(), data.byteSize());
            disk.submit(late);
            Request read = new Request();
            read.begin(Operation.READ, 4096);
            read.addRange(data.address(), data.byteSize());
            read.on(disk);
            assertThat(late.done.availablePermits()).as("the write before it").isZero();
            disk.setThrottle(Throttle.NONE);
            late.done.acquireUninterruptibly();
        }
    }

    @Test
    void throttlesAndResizes() {
        try (Disk disk = disk("disk.qcow2")) {
            disk.setThrottle(new Throttle(0, 100));
            long start = System.nanoTime();
            Random random = new Random(9);
            for (int n = 0; n < 100; n++) write(disk, random);
            assertThat(System.nanoTime() - start).isGreaterThan(400_000_000L);
            disk.setThrottle(Throttle.NONE);
            long[] heard = new long[1];
            disk.onResize(() -> heard[0] = disk.sizeBytes());
            disk.resize(2L * SIZE);
            assertThat(heard[0]).isEqualTo(2L * SIZE);
        }
    }
}
