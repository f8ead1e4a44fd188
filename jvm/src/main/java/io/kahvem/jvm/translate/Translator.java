package io.kahvem.jvm.translate;

import io.kahvem.host.Words;
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
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntPredicate;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Makes regions of hot blocks: in a thread of its own, the hottest first, or at once for tests. One a virtual machine.
public final class Translator implements AutoCloseable {
    /// How a machine translates.
    ///
    /// @param threshold how often a block is interpreted before it is asked for; 0 turns translation off
    /// @param warm how often a block must have been interpreted to be included in a region of another's
    /// @param runsToGrow how often a region is entered, at most, before a larger one is made, which includes what other regions have, too
    /// @param background whether a thread of its own does it
    /// @param boundBytes how much bytecode all regions may have together
    public record Policy(int threshold, int warm, int runsToGrow, boolean background, long boundBytes) {
        public static final Policy NORMAL = new Policy(4_000, 400, 200_000, true);
        public static final Policy OFF = new Policy(0, 0, 0, false);

        public Policy(int threshold, int warm, int runsToGrow, boolean background) {
            this(threshold, warm, runsToGrow, background, BOUND_BYTES);
        }

        /// Everything that runs some times, at once.
        public static final Policy EARLY = new Policy(20, 1, 50, false);
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
    private static final long LONGEST_COMPILATION = 2_000_000_000;

    /// Regions looked at, of those that HotSpot has not compiled yet.
    private static final int COMPILATIONS_AWAITED = 16;

    /// Instructions of a first region, whose compilation is not to take long, and of a larger one.
    private static final int FIRST_INSTRUCTIONS = 80;

    static final int MOST_INSTRUCTIONS = 240;

    /// In how many steps an entry's runs are counted: after each it may grow if nothing else is to be done.
    private static final int GROWTH_STEPS = 8;

    /// An entry is frequent that has this part of the runs after which it grows.
    private static final int FREQUENT = 64;

    /// The pages that they are from.
    private static final int FIRST_PAGES = 2;

    static final int MOST_PAGES = 12;
    private static final int LEAST_INSTRUCTIONS = 8;

    /// Places in two pages that a region's indirect jumps are to find inside it.
    private static final int MOST_TARGETS = 64;

    /// A region to make at `offset` of the page `gpa`: the first one there, for `block`, or a larger one in place of `entry`'s. `where`
    /// tells where the pages around it are, by their offsets; `user`, whether it is at privilege level 3.
    private record Request(long gpa, int offset, int mode, IntToLongFunction where, Cpu cpu, boolean user, @Nullable Block block,
            @Nullable Entry entry)
            implements Comparable<Request> {
        static Request first(Block block, long secondGpa, Cpu cpu) {
            IntToLongFunction where = offset -> offset == 0 ? block.gpa : offset == GuestMemory.PAGE_SIZE ? secondGpa : -1;
            return new Request(block.gpa, block.offset, block.mode, where, cpu, cpu.cpl == 3, block, null);
        }

        static Request larger(Entry entry, long rip, Cpu cpu) {
            long gpa = entry.region().gpa();
            IntToLongFunction pages = CodePages.around(cpu, rip & -GuestMemory.PAGE_SIZE);
            IntToLongFunction where = offset -> offset == 0 ? gpa : pages.applyAsLong(offset);
            return new Request(gpa, entry.offset(), entry.mode(), where, cpu, cpu.cpl == 3, null, entry);
        }

        private int heat() {
            return block == null ? Integer.MAX_VALUE : block.heat;
        }

        @Override
        public int compareTo(Request other) {
            return Integer.compare(other.heat(), heat());
        }
    }

    private final LongAdder nanos = new LongAdder();
    private final LongAdder compiledQuickly = new LongAdder();
    private final LongAdder compiledWell = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder givenUp = new LongAdder();
    private final LongAdder outdated = new LongAdder();
    private final GuestMemory memory;
    private final CodeCache cache;
    private final Regions regions;
    private final Policy policy;
    private final Decoder decoder;
    private final @Nullable HotSpot compilers = HotSpot.compilers();
    private final MethodHandles.Lookup lookup = MethodHandles.lookup();
    private final PriorityBlockingQueue<Request> queue = new PriorityBlockingQueue<>();
    private final List<Finished> finished = new ArrayList<>();

    /// Guest-physical addresses of the entries of regions that are finished and not published.
    private final Set<Long> awaited = new HashSet<>();

    private @Nullable Thread thread;

    /// Whether HotSpot may not reorder accesses to memory (docs/design/memory-order.md).
    private volatile boolean ordered = !Words.ORDERED_HOST;

    private volatile boolean closed;

    /// Nothing is asked for, and HotSpot has nothing to compile.
    private volatile boolean idle;

    public Translator(GuestMemory memory, CodeCache cache, OpcodeMap opcodes, Policy policy) {
        this.memory = memory;
        this.cache = cache;
        this.policy = policy;
        this.regions = new Regions(cache, policy.boundBytes);
        this.decoder = new Decoder(opcodes);
    }

    /// From here on there are several vCPUs, which rely on the order of each other's accesses to memory. None runs yet.
    public void order() {
        ordered = true;
    }

    public Policy policy() {
        return policy;
    }

    /// Asks for a region that starts with `block`, whose page is followed in linear memory by the page at `secondGpa` (-1: none that is
    /// known).
    public void request(Cpu c, Block block, long secondGpa) {
        if (closed || policy.threshold == 0) return; // heat may have come around
        request(Request.first(block, secondGpa, c));
    }

    /// Asks for a region that starts at `entry`, at linear address `rip`, and is as large as may be; puts it off where there is more
    /// urgent work.
    void grow(Cpu c, Entry entry, long rip) {
        if (closed) return;
        if (policy.background && !idle && entry.runs() < policy.runsToGrow) {
            entry.growLater(growthStep());
        } else {
            request(Request.larger(entry, rip, c));
        }
    }

    /// After how many runs to look whether there is time for a larger region.
    private int growthStep() {
        return policy.background ? Math.max(1, policy.runsToGrow / GROWTH_STEPS) : policy.runsToGrow;
    }

    private void request(Request request) {
        if (policy.background) {
            queue.add(request);
            if (thread == null) start();
            return;
        }
        synchronized (this) {
            translate(request);
        }
    }

    private synchronized void start() {
        if (thread != null || closed) return;
        thread = Thread.ofPlatform().name("translator").daemon().start(this::work);
    }

    private void work() {
        try {
            while (!closed) {
                idle = finished.isEmpty() && queue.isEmpty();
                Request request = idle ? queue.take() : queue.poll(2, TimeUnit.MILLISECONDS);
                idle = false;
                synchronized (this) {
                    if (request != null) translate(request);
                    finished.subList(0, Math.min(finished.size(), COMPILATIONS_AWAITED)).removeIf(Finished::publish);
                }
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    /// A region that is not run yet: HotSpot would interpret it at first, which is slower than our own interpreter.
    private final class Finished {
        private final Region region;
        private final Method method;
        private final Cpu cpu;
        private final int level;
        private final Runnable publication;
        private final long deadline = System.nanoTime() + LONGEST_COMPILATION;

        Finished(Region region, Cpu cpu, int level, Runnable publication) {
            this.region = region;
            this.method = region.method();
            this.cpu = cpu;
            this.level = level;
            this.publication = publication;
            if (compilers == null) {
                nudge(CALLS_TO_COMPILE);
            } else {
                ask(compilers, method, level);
            }
        }

        private void nudge(int calls) {
            for (int i = 0; i < calls; i++) region.run(cpu, cpu.r, 0, -1);
        }

        /// Publishes the region if HotSpot has compiled it, as the time of some calls tells, or takes too long to; returns whether it did.
        boolean publish() {
            if (!compiled() && System.nanoTime() < deadline) return false;
            publication.run();
            return true;
        }

        private boolean compiled() {
            if (compilers != null) return compilers.level(method) == level;
            long fastest = Long.MAX_VALUE;
            for (int i = 0; i < 2; i++) {
                long begin = System.nanoTime();
                nudge(CALLS_TO_TIME);
                fastest = Math.min(fastest, System.nanoTime() - begin);
            }
            return fastest <= CALLS_TO_TIME * COMPILED_CALL;
        }
    }

    private void ask(HotSpot compilers, Method method, int level) {
        (level == HotSpot.QUICK ? compiledQuickly : compiledWell).increment();
        compilers.compile(method, level);
    }

    private void translate(Request request) {
        if (!wanted(request)) return;
        long begin = System.nanoTime();
        try {
            if (!make(request)) givenUp.increment();
        } catch (RuntimeException | LinkageError e) { // a bug of ours, and no reason not to go on
            failures.increment();
            Events.failed(request.gpa + request.offset, e.toString());
        }
        nanos.add(System.nanoTime() - begin);
    }

    /// A region made meanwhile may include the block: then it has to become hot again to be a region's head itself.
    private boolean wanted(Request request) {
        Block block = request.block;
        Entry entry = request.entry;
        if (block != null) {
            return block.valid && block.entry == null && block.heat >= policy.threshold && !awaited.contains(block.gpa + block.offset);
        }
        return entry != null && entry.valid() && !awaited.contains(request.gpa + request.offset);
    }

    private boolean make(Request request) {
        Events.Made event = Events.making();
        Surroundings code = new Surroundings(memory, request.where);
        if (!code.has(request.offset)) return false;
        int mode = request.mode;
        IntPredicate warm = at -> cache.heat(code.gpa(at), offset(at), mode) >= policy.warm;
        IntPredicate covered = at -> cache.translated(code.gpa(at), offset(at), mode) || awaited.contains(code.gpa(at));
        Entry before = request.entry;
        Plan.Bounds bounds = before == null
                ? new Plan.Bounds(FIRST_INSTRUCTIONS, FIRST_PAGES, warm.and(covered.negate()), covered, at -> true,
                        page -> new int[0], at -> 0)
                : new Plan.Bounds(MOST_INSTRUCTIONS, MOST_PAGES, warm.or(covered), at -> false,
                        at -> cache.entered(code.gpa(at), offset(at), mode), page -> jumpTargets(code, page, mode),
                        at -> cache.callee(code.gpa(at - 1)));
        boolean well = before != null && compilers != null;
        boolean again = before != null && before.region().missesOften();
        // A system's kernel touches page after page, and its TLB is flushed with each change of process.
        boolean leaves = before != null && request.user && !again;
        boolean windows = before == null || !before.region().crossesOften();
        Emitted emitted = emit(code, request.offset, decoder, bounds, new Style(ordered, well, leaves, windows));
        if (emitted == null) return false;
        Plan plan = emitted.plan;
        boolean better = well || again || !windows;
        if (before != null && !better && plan.instructions <= before.region().instructions()) return true; // there is no more
        Region region = define(emitted);
        if (before != null) region.learn(before.region());
        List<Region.Part> parts = new ArrayList<>();
        parts.add(part(code, 0, plan.granules.getOrDefault(0, 0L)));
        plan.granules.forEach((page, granules) -> {
            if (page != 0) parts.add(part(code, page, granules));
        });
        region.place(parts, emitted);
        Events.made(event, region);
        int growAt = before == null ? growthStep() : 0;
        List<Entry> entries = new ArrayList<>();
        for (Piece piece : plan.entries) entries.add(new Entry(region, piece.entry, piece.at, mode, growAt, policy.runsToGrow / FREQUENT));
        long[] heads = plan.pieces.stream().mapToLong(piece -> code.gpa(piece.at)).toArray();
        Runnable publication = () -> publish(region, parts, entries, heads, mode);
        if (policy.background) {
            for (Piece piece : plan.entries) awaited.add(request.gpa + piece.at);
            finished.add(new Finished(region, request.cpu, before == null ? HotSpot.QUICK : HotSpot.WELL, publication));
        } else {
            publication.run();
        }
        return true;
    }

    private static Region.Part part(Surroundings code, int page, long granules) {
        return new Region.Part(page, code.gpa(page), granules, code.bytes(page));
    }

    private static int offset(int at) {
        return at & GuestMemory.PAGE_SIZE - 1;
    }

    /// Where the indirect jumps of a page go in it and the one after it.
    private int[] jumpTargets(Surroundings code, int page, int mode) {
        return IntStream.of(page, page + GuestMemory.PAGE_SIZE)
                .filter(code::has)
                .flatMap(there -> Arrays.stream(cache.jumpTargets(code.gpa(there), mode)).map(at -> there + at))
                .sorted()
                .limit(MOST_TARGETS)
                .toArray();
    }

    /// A region's class that is not defined yet.
    ///
    /// @param bytecodes the size of its method `run`
    /// @param constants its class data
    record Emitted(Plan plan, byte[] classFile, int bytecodes, Object[] constants) {}

    /// Emits the region that starts `head` bytes into its page: as much as fits a method that HotSpot compiles. Null where not even a few
    /// instructions do.
    static @Nullable Emitted emit(Surroundings code, int head, Decoder decoder, Plan.Bounds bounds, Style style) {
        for (int most = bounds.most(); most >= LEAST_INSTRUCTIONS; ) {
            Plan plan = new Plan(code, head, decoder, bounds.fewer(most));
            if (plan.pieces.isEmpty()) return null;
            RegionEmitter emitter = new RegionEmitter(plan, style);
            byte[] classFile;
            try {
                classFile = emitter.classFile();
            } catch (IllegalArgumentException e) {
                // So says the class-file API of a method of 64 KiB or more.
                if (most / 2 < LEAST_INSTRUCTIONS) throw e;
                most /= 2;
                continue;
            }
            int bytecodes = size(classFile);
            if (bytecodes <= LARGEST_METHOD) return new Emitted(plan, classFile, bytecodes, emitter.constants.toArray());
            // What would fit by the average, or a little less each time it does not.
            int fitting = Math.min(most, plan.instructions) * LARGEST_METHOD / bytecodes;
            most = Math.max(most / 2, Math.min(most * 7 / 8, fitting));
        }
        return null;
    }

    private void publish(Region region, List<Region.Part> parts, List<Entry> entries, long[] heads, int mode) {
        for (Entry entry : entries) awaited.remove(parts.getFirst().gpa() + entry.offset());
        regions.add(region);
        if (!cache.publish(region, parts, entries)) {
            outdated.increment();
            regions.drop(region);
            return;
        }
        region.enteredAt(entries.getFirst());
        // They are to be interpreted as often again before they are asked for, and stay warm for larger regions.
        for (long gpa : heads) cache.cool(gpa, offset((int) gpa), mode, policy.warm);
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

    /// See [Regions#evictions].
    int evictions() {
        return regions.evictions();
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
        to.put("compiled-quickly", compiledQuickly.sum());
        to.put("compiled-well", compiledWell.sum());
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
