package io.kahvem.block;

import java.util.Locale;

/// How the host's page cache is used: QEMU's `cache=`.
///
/// @see #of
public enum CacheMode {
    WRITEBACK(false, false, true),
    /// Past the page cache.
    NONE(true, false, true),
    /// Each write is followed by a flush.
    WRITETHROUGH(false, true, true),
    DIRECTSYNC(true, true, true),
    /// Flushes do nothing: fast, and lost with the host.
    UNSAFE(false, false, false);

    private final boolean direct;
    private final boolean flushEachWrite;
    private final boolean flushes;

    CacheMode(boolean direct, boolean flushEachWrite, boolean flushes) {
        this.direct = direct;
        this.flushEachWrite = flushEachWrite;
        this.flushes = flushes;
    }

    /// By QEMU's name, `off` meaning none; throws [BlockException].
    public static CacheMode of(String name) {
        if (name.equals("off")) return NONE;
        for (CacheMode mode : values()) if (mode.name().toLowerCase(Locale.ROOT).equals(name)) return mode;
        throw BlockException.invalid("Invalid cache option: " + name);
    }

    public boolean isDirect() {
        return direct;
    }

    public boolean flushesEachWrite() {
        return flushEachWrite;
    }

    public boolean flushes() {
        return flushes;
    }
}
