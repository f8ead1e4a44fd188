package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.interpret.Block;
import io.kahvem.jvm.interpret.BlockFinder;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Executes a vCPU's blocks: by translated code where there is some, else by the interpreter, counting, so that the hot ones get
/// translated. One a vCPU.
public final class Tiers {
    /// Instructions that translated code may execute before a poll: about ten microseconds.
    private static final int REGION_BUDGET = 10_000;

    /// About as long as a block: for counting time by blocks.
    private static final int INSTRUCTIONS_A_BLOCK = 5;

    /// What a budget that is spent counts as: a loop that never leaves its region is hot, too.
    private static final int RUNS_A_BUDGET = REGION_BUDGET / 50;

    /// An address that no code has.
    private static final long NOWHERE = 1L << 63;

    /// How deep regions call each other; deeper calls go through the run loop.
    private static final int NESTED_REGIONS = 100;

    private final BlockFinder blocks;
    private final Translator translator;
    private final int threshold;

    /// Instructions executed by translated code.
    private long translated;

    /// What [Translator#evictions] said last.
    private int evictions;

    // How often translated code came back to the run loop, by the first reason that holds.
    private long faults;
    private long stores;
    private long repeats;
    private long interpreted;
    private long spent;
    private long wanted;
    private long elsewhere;

    public Tiers(BlockFinder blocks, Translator translator) {
        this.blocks = blocks;
        this.translator = translator;
        this.threshold = translator.policy().threshold();
    }

    /// Executes `block`, at which RIP stands, or the region that starts with it. Returns the next block if it is known and valid.
    public @Nullable Block execute(Cpu c, Block block) {
        Entry entry = block.entry;
        if (entry != null && !c.interpretNext && run(c, block, entry)) return null;
        if (++block.heat == threshold && !c.interpretNext && request(c, block)) return null;
        c.interpretNext = false;
        c.retired += block.count;
        return block.first.exec(c, c.r);
    }

    public long translatedInstructions() {
        return translated;
    }

    /// Runs translated code from RIP; false if it is not to be run now.
    private boolean run(Cpu c, Block block, Entry entry) {
        long rip = c.r[Cpu.RIP];
        if (!entry.valid()) {
            block.entry = null;
            block.heat = 0;
            return false;
        }
        if (!blocks.mapped(c, entry.region(), rip)) return false;
        if (c.budget <= 0) entry.credit(RUNS_A_BUDGET);
        c.linkFrom = null;
        c.returnTo = NOWHERE;
        c.budget = REGION_BUDGET;
        c.depth = NESTED_REGIONS;
        c.regionTime = translator.regionTime();
        if (evictions != translator.evictions()) forget(c);
        entry.run(c, rip);
        if (c.grown != null) grow(c);
        int executed = REGION_BUDGET - c.budget;
        c.retired += executed;
        c.blocksUntilPoll -= executed / INSTRUCTIONS_A_BLOCK;
        translated += executed;
        left(c);
        return true;
    }

    /// Lets go of regions that are gone, so that their classes can be unloaded.
    private void forget(Cpu c) {
        evictions = translator.evictions();
        Arrays.fill(c.found, null);
    }

    private void left(Cpu c) {
        if (c.stop == Cpu.FAULT) {
            faults++;
        } else if (c.stop == Cpu.LEAVE) {
            stores++;
        } else if (c.stop == Cpu.REPEAT) {
            repeats++;
        } else if (c.interpretNext) {
            interpreted++;
        } else if (c.budget <= 0) {
            spent++;
        } else if (c.wanted() != 0) {
            wanted++;
        } else {
            elsewhere++;
        }
    }

    /// Adds what is counted here to `to`. Any thread; approximate while the vCPU runs.
    public void count(Map<String, Long> to) {
        to.merge("exits-fault", faults, Long::sum);
        to.merge("exits-store-to-code", stores, Long::sum);
        to.merge("exits-repeat", repeats, Long::sum);
        to.merge("exits-to-interpreter", interpreted, Long::sum);
        to.merge("exits-budget-spent", spent, Long::sum);
        to.merge("exits-attention", wanted, Long::sum);
        to.merge("exits-not-translated", elsewhere, Long::sum);
    }

    /// Asks for a larger region where the vCPU has entered one often.
    private void grow(Cpu c) {
        Entry entry = c.grown;
        c.grown = null;
        if (entry != null && entry.valid()) translator.grow(c, entry, c.grownRip);
    }

    /// Asks for a region that starts with `block`; true if it was made at once and has been run.
    private boolean request(Cpu c, Block block) {
        if ((block.mode & (Mode.SIZE | Mode.STEP)) != Mode.CODE64 || block.crossesInto >= 0) return false;
        translator.request(c, block, blocks.pageAfter(c, c.r[Cpu.RIP]));
        Entry entry = block.entry;
        return entry != null && run(c, block, entry);
    }
}
