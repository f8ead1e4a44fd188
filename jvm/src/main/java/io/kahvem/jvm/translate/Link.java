package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import org.jspecify.annotations.Nullable;

/// Where a region leaves for a known address: the entry found there last time. Shared by the vCPUs; a stale value is harmless, since
/// every use checks it.
public final class Link {
    private @Nullable Entry target;

    /// Gives the exit that was last taken without finding translated code the entry that has now been found at `rip`, if that is where it
    /// went: much may have been executed since.
    static void resolve(Cpu c, Entry entry, long rip) {
        Link link = c.pendingLink;
        if (link == null) return;
        if (c.pendingRip == rip) link.target = entry;
        c.pendingLink = null;
    }

    /// Forgets the entry of a region that is gone.
    void unlink() {
        Entry entry = target;
        if (entry != null && !entry.valid()) target = null;
    }

    /// Goes on at `rip`, where `r[RIP]` stands already, if translated code is known there; else asks the run loop to find some.
    public static void go(Link link, Cpu c, long rip) {
        Entry entry = link.target;
        if (entry == null || !entry.region().valid() || !entry.region().mapped(c, rip & -4096)) {
            c.pendingLink = link;
            c.pendingRip = rip;
        } else if (c.budget > 0 && c.depth > 0) {
            entry.run(c, rip);
        }
    }

    /// The same for an address that is only known now.
    public static void goIndirect(Cpu c, long rip) {
        if (c.budget <= 0 || c.depth <= 0) return;
        Entry entry = c.entries.find(c, rip);
        if (entry != null) entry.run(c, rip);
    }
}
