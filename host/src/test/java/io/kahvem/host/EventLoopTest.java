package io.kahvem.host;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class EventLoopTest {
    /// Starts just before the counter wraps, as nanoTime may.
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 50);

    private final Clock clock = new Clock() {
        @Override
        public long nanoTime() {
            return now.get();
        }

        @Override
        public long wallNanos() {
            return 0;
        }
    };

    private final BlockingQueue<Throwable> reported = new LinkedBlockingQueue<>();
    private final EventLoop loop = EventLoops.start(clock, "loop under test", (thread, thrown) -> reported.add(thrown));
    private final List<String> ran = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void timersRunInTheOrderOfTheirDeadlinesOnceTheClockReachesThem() throws Exception {
        long start = now.get();
        loop.schedule(start + 300, () -> ran.add("third"));
        loop.schedule(start + 100, () -> ran.add("first"));
        loop.schedule(start + 200, () -> ran.add("second"));
        settle();
        assertThat(ran).isEmpty();
        now.set(start + 99);
        settle();
        assertThat(ran).isEmpty();
        now.set(start + 200);
        settle();
        assertThat(ran).containsExactly("first", "second");
        now.set(start + 1000);
        settle();
        assertThat(ran).containsExactly("first", "second", "third");
    }

    @Test
    void tasksOfOneDeadlineRunInTheOrderTheyCame() throws Exception {
        for (int i = 0; i < 20; i++) {
            String name = "task " + i;
            loop.execute(() -> ran.add(name));
        }
        settle();
        assertThat(ran).hasSize(20).first().isEqualTo("task 0");
        assertThat(ran).last().isEqualTo("task 19");
    }

    @Test
    void aCancelledTimerNeverRuns() throws Exception {
        EventLoop.Timer timer = loop.schedule(now.get() + 10, () -> ran.add("cancelled"));
        timer.cancel();
        timer.cancel();
        now.addAndGet(100);
        settle();
        assertThat(ran).isEmpty();
    }

    @Test
    void aTaskThatThrowsIsReportedAndTheLoopGoesOn() throws Exception {
        AssertionError bug = new AssertionError("ours");
        loop.execute(() -> {
            throw bug;
        });
        settle();
        assertThat(reported.poll(10, SECONDS)).isSameAs(bug);
    }

    @Test
    void aHandlerThatThrowsDoesNotEndTheLoop() throws Exception {
        try (EventLoop other = EventLoops.start(clock, "loop with a bad handler", (thread, thrown) -> {
            throw new IllegalStateException("handler");
        })) {
            other.execute(() -> {
                throw new IllegalStateException("task");
            });
            settle(other);
        }
    }

    @Test
    void tasksRunOnOneDaemonThreadOfTheNameGiven() throws Exception {
        AtomicReference<Thread> thread = new AtomicReference<>();
        loop.execute(() -> thread.set(Thread.currentThread()));
        settle();
        assertThat(thread.get().getName()).isEqualTo("loop under test");
        assertThat(thread.get().isDaemon()).isTrue();
    }

    @Test
    void closingDropsWhatHasNotStartedAndWaitsForWhatHas() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        loop.execute(() -> {
            started.countDown();
            awaitUninterruptibly(finish);
            ran.add("running");
        });
        started.await();
        loop.execute(() -> ran.add("dropped"));
        Thread closer = Thread.ofPlatform().start(loop::close);
        finish.countDown();
        closer.join();
        assertThat(ran).startsWith("running");
        loop.execute(() -> ran.add("late"));
        assertThat(ran).doesNotContain("late");
    }

    @Test
    void aTaskCanCloseItsOwnLoop() throws Exception {
        CountDownLatch closed = new CountDownLatch(1);
        loop.execute(() -> {
            loop.close();
            closed.countDown();
        });
        closed.await();
    }

    @Test
    void onTheSystemClockATimerIsNeverEarly() throws Exception {
        try (EventLoop real = EventLoops.start(Clock.SYSTEM, "real time")) {
            AtomicLong ranAt = new AtomicLong();
            CountDownLatch done = new CountDownLatch(1);
            long deadline = System.nanoTime() + 5_000_000;
            real.schedule(deadline, () -> {
                ranAt.set(System.nanoTime());
                done.countDown();
            });
            done.await();
            assertThat(ranAt.get() - deadline).isNotNegative();
        }
    }

    /// Returns once the loop has run everything that was due.
    private void settle() throws InterruptedException {
        settle(loop);
    }

    private static void settle(EventLoop loop) throws InterruptedException {
        CountDownLatch reached = new CountDownLatch(1);
        loop.execute(reached::countDown);
        assertThat(reached.await(10, SECONDS)).isTrue();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
