package io.kahvem.daemon.domain;

/// What a change is to reach: the machine that runs, the description it will start as, or both (virDomainModificationImpact).
record Affect(boolean live, boolean config) {
    static final int LIVE = 1;
    static final int CONFIG = 2;

    /// Resolves flags of which neither means the present state. Throws where there is no such state.
    static Affect of(Domain domain, int flags) {
        boolean live = (flags & LIVE) != 0;
        boolean config = (flags & CONFIG) != 0;
        if (!live && !config) {
            live = domain.isActive();
            config = !live;
        }
        if (live && !domain.isActive()) throw Errors.notRunning();
        if (config && !domain.isPersistent()) {
            throw Errors.invalid("transient domains do not have any persistent config");
        }
        return new Affect(live, config);
    }
}
