package io.kahvem.cli.doctor;

import io.kahvem.host.Landlock;
import io.kahvem.host.Seccomp;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What `--sandbox` can do here.
final class SandboxCheck {
    private static final String NAME = "sandbox";

    private SandboxCheck() {}

    static Check ofThisHost() {
        return of(Landlock.abi(), Landlock.whyNot(), Seccomp.whyNot());
    }

    static Check of(int landlock, Optional<String> noLandlock, Optional<String> noSeccomp) {
        if (noLandlock.isEmpty() && noSeccomp.isEmpty()) {
            return Check.pass(NAME, "Landlock (ABI %d) for files, seccomp for system calls".formatted(landlock));
        }
        String evidence = Stream.of(noLandlock, noSeccomp).flatMap(Optional::stream).collect(Collectors.joining("; "));
        String remedy = noLandlock.filter(why -> why.contains("lsm=")).isPresent()
                ? "Add landlock to lsm= on the kernel command line; see /sys/kernel/security/lsm for what is there."
                : "--sandbox on does what there is; --sandbox require refuses to run here.";
        return Check.warn(NAME, evidence, remedy);
    }
}
