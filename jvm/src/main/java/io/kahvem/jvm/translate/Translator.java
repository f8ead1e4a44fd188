package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.jvm.interpret.Block;
import io.kahvem.jvm.interpret.CodeCache;
import io.kahvem.memory.GuestMemory;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Makes regions of hot blocks: in a thread of its own, the hottest first, or at once for tests. One a virtual machine.
public final class Translator implements AutoCloseable {
    /// How a machine translates.
    ///
    /// @param threshold how often a block is interpreted before it is asked for; 0 turns translation off
    /// @param warm how often a block must have been interpreted to be included in a region of another's
    /// @param background whether a thread of its own does it
    /// @param boundBytes how much bytecode all regions may have together
    public record Policy(int threshold, int warm, boolean background, long boundBytes) {
        public static final Policy NORMAL = new Policy(20_000, 2_000, true);
        public static final Policy OFF = new Policy(0, 0, false);

        public Policy(int threshold, int warm, boolean background) {
            this(threshold, warm, background, BOUND_BYTES);
        }

        /// Everything that runs some times, at once.
        public static final Policy EARLY = new Policy(20, 1, false);
    }

    /// See [Regions].
    public static final long BOUND_BYTES = 8 << 20;

    /// HotSpot never compiles a method with more bytecodes.
    private static final int LARGEST_METHOD = 7_900;

    /// Above HotSpot's thresholds for compiling a method (Tier3InvocationThreshold).
    private static final int CALLS_TO_COMPILE = 300;

    private static final int CALLS_TO_TIME = 16;

    /// A call takes less, in nanoseconds, if it is compiled; some 100 if not.
    private static final int COMPILED_CALL = 30;

    /// Nanoseconds after which a region is run even if HotSpot has not compiled it.
    private static final long LONGEST_COMPILATION = 200_000_000;

    private static final int MOST_INSTRUCTIONS = 240;
    private static final int LEAST_INSTRUCTIONS = 8;

    private record Request(Block block, long secondGpa, Cpu cpu) implements Comparable<Request> {
        @Override
        public int compareTo(Request other) {
            return Integer.compare(other.block.heat, block.heat);
        }
    }

    private final LongAdder nanos = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder givenUp = new LongAdder();
    private final LongAdder outdated = new LongAdder();
    private final GuestMemory memory;
    private final CodeCache cache;
    private final Regions regions;
    private final Policy policy;
    private final Decoder decoder;
    private final MethodHandles.Lookup lookup = MethodHandles.lookup();
    private final PriorityBlockingQueue<Request> queue = new PriorityBlockingQueue<>();
    private final byte[] code = new byte[2 * GuestMemory.PAGE_SIZE];
    private final List<Finished> finished = new ArrayList<>();
    private @Nullable Thread thread;
    private volatile boolean closed;

    public Translator(GuestMemory memory, CodeCache cache, OpcodeMap opcodes, Policy policy) {
        this.memory = memory;
        this.cache = cache;
        this.policy = policy;
        this.regions = new Regions(cache, policy.boundBytes);
        this.decoder = new Decoder(opcodes);
    }

    public Policy policy() {
        return policy;
    }

    /// Asks for a region that starts with `block`, whose page is followed in linear memory by the page at `secondGpa` (-1: none that is
    /// known).
    public void request(Cpu c, Block block, long secondGpa) {
        if (closed || policy.threshold == 0) return; // heat may have come around
        if (!policy.background) {
            synchronized (this) {
                translate(new Request(block, secondGpa, c));
            }
            return;
        }
        queue.add(new Request(block, secondGpa, c));
        if (thread == null) start();
    }

    private synchronized void start() {
        if (thread != null || closed) return;
        thread = Thread.ofPlatform().name("translator").daemon().start(this::work);
    }

    private void work() {
        try {
            while (!closed) {
                Request request = finished.isEmpty() ? queue.take() : queue.poll(1, TimeUnit.MILLISECONDS);
                synchronized (this) {
                    if (request != null) translate(request);
                    finished.removeIf(Finished::publish);
                }
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    /// A region that is not run yet: HotSpot would interpret it at first, which is slower than our own interpreter.
    private static final class Finished {
        private final Region region;
        private final Cpu cpu;
        private final Runnable publication;
        private final long deadline = System.nanoTime() + LONGEST_COMPILATION;

        Finished(Region region, Cpu cpu, Runnable publication) {
            this.region = region;
            this.cpu = cpu;
            this.publication = publication;
            nudge(CALLS_TO_COMPILE);
        }

        private void nudge(int calls) {
            for (int i = 0; i < calls; i++) region.run(cpu, cpu.r, 0, -1);
        }

        /// Publishes the region if HotSpot has compiled it, as the time of some calls tells, or takes too long to; returns whether it did.
        boolean publish() {
            long fastest = Long.MAX_VALUE;
            for (int i = 0; i < 3; i++) {
                long begin = System.nanoTime();
                nudge(CALLS_TO_TIME);
                fastest = Math.min(fastest, System.nanoTime() - begin);
            }
            if (fastest > CALLS_TO_TIME * COMPILED_CALL && System.nanoTime() < deadline) return false;
            publication.run();
            return true;
        }
    }

    private void translate(Request request) {
        Block block = request.block;
        // A region made meanwhile may include it: then it has to become hot again to be a region's head itself.
        if (!block.valid || block.entry != null || block.heat < policy.threshold) return;
        long begin = System.nanoTime();
        try {
            if (!make(request)) givenUp.increment();
        } catch (RuntimeException | LinkageError e) { // a bug of ours, and no reason not to go on
            failures.increment();
            Events.failed(block.gpa + block.offset, e.toString());
        }
        nanos.add(System.nanoTime() - begin);
    }

    private boolean make(Request request) {
        Events.Made event = Events.making();
        Block block = request.block;
        long gpa = block.gpa;
        long secondGpa = request.secondGpa;
        long second = secondGpa >= 0 && memory.slotAt(secondGpa) != null && memory.isCode(secondGpa) ? secondGpa : -1;
        int length = GuestMemory.PAGE_SIZE;
        memory.read(gpa, code, 0, GuestMemory.PAGE_SIZE);
        if (second >= 0) {
            memory.read(second, code, GuestMemory.PAGE_SIZE, GuestMemory.PAGE_SIZE);
            length = 2 * GuestMemory.PAGE_SIZE;
        }
        Emitted emitted = emit(code, length, block.offset, decoder,
                at -> cache.heat(at < GuestMemory.PAGE_SIZE ? gpa : second, at & GuestMemory.PAGE_SIZE - 1, block.mode) >= policy.warm);
        if (emitted == null) return false;
        Plan plan = emitted.plan;
        Region region = define(emitted);
        Region.Extent extent = new Region.Extent(gpa, plan.granules, plan.secondGranules != 0 ? second : -1, plan.secondGranules);
        region.place(extent, emitted);
        Events.made(event, region);
        byte[] from = Arrays.copyOf(code, length);
        if (policy.background) {
            finished.add(new Finished(region, request.cpu, () -> publish(region, extent, from, plan, block.mode)));
        } else {
            publish(region, extent, from, plan, block.mode);
        }
        return true;
    }

    /// A region's class that is not defined yet.
    ///
    /// @param bytecodes the size of its method `run`
    /// @param constants its class data
    record Emitted(Plan plan, byte[] classFile, int bytecodes, Object[] constants) {}

    /// Emits the region that starts `head` bytes into `code`, of which `length` bytes are known: as much as fits a method that HotSpot
    /// compiles. Null where not even a few instructions do.
    static @Nullable Emitted emit(byte[] code, int length, int head, Decoder decoder, IntPredicate warm) {
        for (int limit = MOST_INSTRUCTIONS; limit >= LEAST_INSTRUCTIONS; limit /= 2) {
            Plan plan = new Plan(code, length, head, decoder, warm, limit);
            if (plan.pieces.isEmpty()) return null;
            RegionEmitter emitter = new RegionEmitter(plan);
            byte[] classFile = emitter.classFile();
            int bytecodes = size(classFile);
            if (bytecodes <= LARGEST_METHOD) return new Emitted(plan, classFile, bytecodes, emitter.constants.toArray());
        }
        return null;
    }

    private void publish(Region region, Region.Extent extent, byte[] from, Plan plan, int mode) {
        List<Integer> entries = plan.entries.stream().map(piece -> piece.at).toList();
        regions.add(region);
        if (!cache.publish(region, extent, from, entries, mode)) {
            outdated.increment();
            regions.drop(region);
            return;
        }
        for (Piece piece : plan.pieces) {
            boolean inFirst = piece.at < GuestMemory.PAGE_SIZE;
            cache.cool(inFirst ? extent.gpa() : extent.secondGpa(), piece.at & GuestMemory.PAGE_SIZE - 1, mode);
        }
    }

    private static int size(byte[] classFile) {
        return ClassFile.of().parse(classFile).methods().stream()
                .filter(m -> m.methodName().equalsString("run"))
                .mapToInt(m -> ((CodeAttribute) m.code().orElseThrow()).codeLength())
                .max().orElseThrow();
    }

    private Region define(Emitted emitted) {
        try {
            MethodHandles.Lookup hidden = lookup.defineHiddenClassWithClassData(emitted.classFile, emitted.constants, true);
            return (Region) hidden.findConstructor(hidden.lookupClass(), MethodType.methodType(void.class)).invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError("a region's constructor", t);
        }
    }

    /// What a vCPU notes on the regions that it enters.
    int regionTime() {
        return regions.now();
    }

    /// Adds what is counted here to `to`. Any thread.
    public void count(Map<String, Long> to) {
        to.put("regions-made", regions.made.sum());
        to.put("region-instructions", regions.instructions.sum());
        to.put("regions-live", regions.live());
        to.put("regions-live-bytes", regions.liveBytes());
        to.put("regions-invalidated", regions.invalidated.sum());
        to.put("regions-evicted", regions.evicted.sum());
        to.put("regions-outdated", outdated.sum());
        to.put("regions-given-up", givenUp.sum());
        to.put("regions-failed", failures.sum());
        to.put("translation-milliseconds", nanos.sum() / 1_000_000);
    }

    @Override
    public void close() {
        closed = true;
        Thread t = thread;
        if (t != null) t.interrupt();
    }
}
