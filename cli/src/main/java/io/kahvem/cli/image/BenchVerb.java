package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.BlockRequest;
import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.block.ByteSize;
import io.kahvem.block.CacheMode;
import io.kahvem.block.Disk;
import io.kahvem.block.OpenOptions;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `bench`.
@Command(name = "bench", description = "Measures how long an image takes for many requests.")
final class BenchVerb extends ImageVerb {
    @Option(names = "-c", paramLabel = "COUNT", description = "Requests; default 75000.")
    private int count = 75_000;

    @Option(names = "-d", paramLabel = "DEPTH", description = "Requests under way at a time; default 64.")
    private int depth = 64;

    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "--flush-interval", paramLabel = "N", description = "A flush after each N writes.")
    private int flushInterval;

    @Option(names = "--no-drain", description = "Flushes need not wait for what is under way.")
    private boolean noDrain;

    @Option(names = "-n", description = "Past the host's page cache.")
    private boolean direct;

    @Option(names = "-o", paramLabel = "OFFSET", description = "Where to begin.")
    private String offset = "0";

    @Option(names = "--pattern", paramLabel = "BYTE", description = "What is written; default 0.")
    private int pattern;

    @Option(names = "-s", paramLabel = "SIZE", description = "A request's bytes; default 4k.")
    private String size = "4k";

    @Option(names = "-S", paramLabel = "SIZE", description = "How much further on the next request is; default its bytes.")
    private @Nullable String step;

    @Option(names = "-t", paramLabel = "CACHE", description = "Cache mode.")
    private @Nullable String cache;

    @Option(names = "-w", description = "Write; default read.")
    private boolean write;

    @Option(names = {"-U", "--force-share"}, description = "Though it is in use.")
    private boolean share;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    private final AtomicInteger failed = new AtomicInteger();

    @Override
    int run() {
        long bytes = ByteSize.parse("-s", size);
        long stepBytes = step == null ? bytes : ByteSize.parse("-S", step);
        long start = ByteSize.parse("-o", offset);
        if (count < 1) throw BlockException.invalid("Invalid request count specified");
        if (depth < 1) throw BlockException.invalid("Invalid queue depth specified");
        if (bytes < 1 || bytes > Integer.MAX_VALUE) throw BlockException.invalid("Invalid buffer size specified");
        if (!write && flushInterval > 0) throw BlockException.invalid("--flush-interval is only available in write tests");
        if (flushInterval > 0 && flushInterval < depth) {
            throw BlockException.invalid("Flush interval can't be smaller than depth");
        }
        CacheMode mode = cache(cache, direct ? CacheMode.NONE : CacheMode.WRITEBACK);
        OpenOptions options = (write ? OpenOptions.writable(format) : OpenOptions.readOnly(format)).withShareable(share).withCache(mode);
        BlockNode node = open(file, options);
        try (Disk disk = new Disk(node); Arena arena = Arena.ofShared()) {
            if (bytes + start > disk.sizeBytes()) throw BlockException.invalid("The disk is smaller than a request");
            say("Sending %d %s requests, %d bytes each, %d in parallel (starting at offset %d, step size %d)"
                    .formatted(count, write ? "write" : "read", bytes, depth, start, stepBytes));
            if (flushInterval > 0) say("Sending flush every %d %srequests".formatted(flushInterval, noDrain ? "in-flight " : ""));
            MemorySegment memory = arena.allocate(bytes * depth, 4096).fill((byte) pattern);
            long before = System.nanoTime();
            send(disk, memory, bytes, stepBytes, start);
            say("Run completed in %3.3f seconds.".formatted((System.nanoTime() - before) / 1e9));
        }
        if (failed.get() != 0) throw new BlockException(failed.get(), "Failed request: " + new Errno(failed.get()).meaning());
        return OK;
    }

    /// One of the requests that go round.
    private final class Request extends BlockRequest {
        private final Semaphore free;

        Request(Semaphore free) {
            this.free = free;
        }

        @Override
        protected void completed(int errno) {
            if (errno != 0) failed.compareAndSet(0, errno);
            free.release();
        }
    }

    private void send(Disk disk, MemorySegment memory, long bytes, long stepBytes, long start) {
        Semaphore[] free = new Semaphore[depth];
        Request[] requests = new Request[depth];
        for (int n = 0; n < depth; n++) {
            free[n] = new Semaphore(1);
            requests[n] = new Request(free[n]);
        }
        long at = start;
        for (int n = 0; n < count && failed.get() == 0; n++) {
            int slot = n % depth;
            free[slot].acquireUninterruptibly();
            requests[slot].begin(write ? Operation.WRITE : Operation.READ, at);
            requests[slot].addRange(memory.address() + slot * bytes, bytes);
            disk.submit(requests[slot]);
            at += stepBytes;
            if (at > disk.sizeBytes() - bytes) at = start;
            if (flushInterval > 0 && (n + 1) % flushInterval == 0) flush(disk, free);
        }
        for (Semaphore slot : free) slot.acquireUninterruptibly();
    }

    private void flush(Disk disk, Semaphore[] free) {
        if (!noDrain) {
            for (Semaphore slot : free) slot.acquireUninterruptibly();
            for (Semaphore slot : free) slot.release();
        }
        Semaphore done = new Semaphore(0);
        Request flush = new Request(done);
        flush.begin(Operation.FLUSH, 0);
        disk.submit(flush);
        done.acquireUninterruptibly();
    }
}
