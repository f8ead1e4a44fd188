package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import org.jspecify.annotations.Nullable;

/// Where a region leaves for another: the entry found there last time. Shared by the vCPUs; a stale value is harmless, since every use
/// checks it.
public final class Link {
    /// A call that goes elsewhere more often than this has no callee of its own.
    private static final int MOST_CHANGES = 8;

    /// Where the call of an address that is only known at run time returns to, from the first page of its region; 0 for what is no such
    /// call, since none ends there.
    final int site;

    private @Nullable Found target;

    /// How far the target is from where the call returns to.
    private long distance;

    private int changes;

    Link(int site) {
        this.site = site;
    }

    /// How far the function is that such a call always goes to, from where the call returns to; 0 if there is none.
    long callee() {
        Found found = target;
        return found != null && found.entry().valid() && changes <= MOST_CHANGES ? distance : 0;
    }

    /// Forgets the entry of a region that is gone.
    void unlink() {
        Found found = target;
        if (found != null && !found.entry().valid()) target = null;
    }

    /// Goes on at `rip`, where `r[RIP]` stands already, if there is translated code.
    public static void go(Link link, Cpu c, long rip) {
        if (c.budget <= 0 || c.depth <= 0) return;
        Found found = link.target;
        if (found == null || !found.holds(c, rip)) found = link.seek(c, rip, found);
        if (found != null) found.run(c);
    }

    private @Nullable Found seek(Cpu c, long rip, @Nullable Found before) {
        Found found = Found.find(c, rip);
        if (found == null) return null;
        if (before != null && before.entry().equals(found.entry())) {
            if (before.isOf(c)) target = found; // or vCPUs would take it from each other at each turn
            return found;
        }
        target = found;
        distance = rip - c.returnTo;
        changes++;
        return found;
    }

    /// The same for a jump whose target is only known now, and which the region does not have.
    public static void jump(Cpu c, long rip) {
        if (c.budget <= 0 || c.depth <= 0) return;
        Found found = Found.find(c, rip);
        if (found == null) return;
        found.entry().jumpTarget();
        found.run(c);
    }

    /// The same for an address that is only known now.
    public static void goIndirect(Cpu c, long rip) {
        if (c.budget <= 0 || c.depth <= 0) return;
        Found found = Found.find(c, rip);
        if (found != null) found.run(c);
    }
}
