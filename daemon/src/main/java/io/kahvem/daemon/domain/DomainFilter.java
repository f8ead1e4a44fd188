package io.kahvem.daemon.domain;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.List;
import java.util.function.Predicate;

/// Which domains a list is asked for: of each group of flags that has any set, one must fit (virConnectListAllDomainsFlags).
public final class DomainFilter {
    private record Flag(int bit, Predicate<Domain> fits) {}

    private static final Predicate<Domain> NONE = domain -> false;
    private static final Predicate<Domain> ALL = domain -> true;

    private static final List<List<Flag>> GROUPS = List.of(
            List.of(new Flag(1, Domain::isActive), new Flag(1 << 1, domain -> !domain.isActive())),
            List.of(new Flag(1 << 2, Domain::isPersistent), new Flag(1 << 3, domain -> !domain.isPersistent())),
            List.of(new Flag(1 << 4, domain -> domain.state().isRunning()), new Flag(1 << 5, domain -> domain.state().isPaused()),
                    new Flag(1 << 6, domain -> domain.state().state() == DomainState.SHUTOFF), new Flag(1 << 7, NONE)),
            List.of(new Flag(1 << 8, NONE), new Flag(1 << 9, ALL)), // saved images
            List.of(new Flag(1 << 10, Domain::isAutostart), new Flag(1 << 11, domain -> !domain.isAutostart())),
            List.of(new Flag(1 << 12, NONE), new Flag(1 << 13, ALL)), // snapshots
            List.of(new Flag(1 << 14, NONE), new Flag(1 << 15, ALL))); // checkpoints

    private DomainFilter() {}

    static boolean fits(int flags, Domain domain) {
        for (List<Flag> group : GROUPS) if (!fits(flags, group, domain)) return false;
        return true;
    }

    private static boolean fits(int flags, List<Flag> group, Domain domain) {
        boolean asked = false;
        for (Flag flag : group) {
            if ((flags & flag.bit()) == 0) continue;
            if (flag.fits().test(domain)) return true;
            asked = true;
        }
        return !asked;
    }

    /// Throws for flags that are none.
    public static void check(int flags, int known, String function) {
        int unknown = flags & ~known;
        if (unknown != 0) {
            throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.QEMU,
                    "unsupported flags (0x%x) in function %s".formatted(unknown, function));
        }
    }
}
