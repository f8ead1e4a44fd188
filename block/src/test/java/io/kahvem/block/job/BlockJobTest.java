package io.kahvem.block.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.block.BlockException;
import io.kahvem.block.ErrorPolicy;
import io.kahvem.host.Errno;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BlockJobTest {
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
    private final Work work = new Work();

    /// Four parts of 100 bytes; the third may fail.
    private final class Work implements JobWork {
        private final Semaphore parts = new Semaphore(0);
        private volatile int errno;

        @Override
        public Type type() {
            return Type.BACKUP;
        }

        @Override
        public void run(JobControl control) {
            control.moved(0, 400);
            for (int part = 1; part <= 4; part++) {
                parts.acquireUninterruptibly();
                boolean third = part == 3;
                Part.attempt(control, () -> {
                    if (third && errno != 0) throw new Part.Failure(JobControl.Side.TARGET, new BlockException(errno, "no room"));
                });
                control.moved(part * 100L, 400);
            }
        }

        @Override
        public void conclude(boolean pivot) {
            told.add("concluded");
        }

        @Override
        public void abort() {
            told.add("aborted");
        }
    }

    private final BlockJob.Listener listener = new BlockJob.Listener() {
        @Override
        public void statusChanged(BlockJob job, BlockJob.Status status) {
            told.add(status.name());
        }

        @Override
        public void ready(BlockJob job) {
            told.add("ready");
        }

        @Override
        public void pending(BlockJob job) {
            told.add("pending");
        }

        @Override
        public void completed(BlockJob job) {
            told.add("completed: " + job.error());
        }

        @Override
        public void cancelled(BlockJob job) {
            told.add("cancelled");
        }

        @Override
        public void failed(BlockJob job, JobControl.Side side, ErrorPolicy action) {
            told.add("%s failed: %s".formatted(side, action));
        }
    };

    private BlockJob start(ErrorPolicy onTargetError) {
        BlockJob job = new BlockJob(new BlockJob.Options("j", 0, ErrorPolicy.REPORT, onTargetError, true, true), work, listener,
                pivoted -> told.add("released"));
        job.start();
        return job;
    }

    private void hears(String... events) throws InterruptedException {
        for (String event : events) assertThat(told.take()).isEqualTo(event);
    }

    @Test
    void aFailureEndsIt() throws InterruptedException {
        work.errno = Errno.EIO;
        work.parts.release(4);
        start(ErrorPolicy.REPORT);
        hears("CREATED", "RUNNING", "TARGET failed: REPORT", "ABORTING", "aborted", "released",
                "completed: " + new Errno(Errno.EIO).meaning(), "CONCLUDED", "NULL");
    }

    @Test
    void aFailureHoldsItUpUntilTheCauseIsMended() throws InterruptedException {
        work.errno = Errno.ENOSPC;
        work.parts.release(4);
        BlockJob job = start(ErrorPolicy.ENOSPC);
        hears("CREATED", "RUNNING", "TARGET failed: STOP", "PAUSED");
        assertThat(job.info().ioError()).isEqualTo(Errno.ENOSPC);
        assertThat(job.info().doneBytes()).isEqualTo(200);
        work.errno = 0;
        job.resume();
        hears("RUNNING", "WAITING", "PENDING", "concluded", "released", "completed: null", "CONCLUDED", "NULL");
    }

    @Test
    void itIsPausedAndCancelled() throws InterruptedException {
        BlockJob job = start(ErrorPolicy.REPORT);
        hears("CREATED", "RUNNING");
        job.pause();
        assertThatThrownBy(job::pause).hasMessage("Job is already paused");
        work.parts.release();
        hears("PAUSED");
        assertThatThrownBy(job::complete).hasMessage("Job 'j' in state 'paused' cannot accept command verb 'complete'");
        job.resume();
        hears("RUNNING");
        assertThatThrownBy(job::resume).hasMessage("Can't resume a job that was not paused");
        job.cancel(false);
        work.parts.release();
        hears("ABORTING", "aborted", "released", "cancelled", "CONCLUDED", "NULL");
        job.stop();
        assertThat(List.copyOf(told)).isEmpty();
    }

    @Test
    void itKeepsToItsSpeed() throws InterruptedException {
        work.parts.release(4);
        long start = System.nanoTime();
        BlockJob job = new BlockJob(new BlockJob.Options("j", 1000, ErrorPolicy.REPORT, ErrorPolicy.REPORT, true, true), work, listener,
                pivoted -> { });
        job.start();
        hears("CREATED", "RUNNING", "WAITING");
        assertThat(System.nanoTime() - start).isGreaterThan(300_000_000L);
        job.stop();
    }
}
