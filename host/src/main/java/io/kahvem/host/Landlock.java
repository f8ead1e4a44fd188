package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Landlock (Linux' Documentation/userspace-api/landlock.rst): a thread gives up all files but those it names, and cannot get them back.
///
/// It holds for the calling thread and what that starts, not for threads that are there already: a process becomes confined as a whole by
/// [ProcessImage#replace] after it.
public final class Landlock {
    /// What may be done with a file, or with all that is below a directory.
    public enum Access {
        /// Opened for reading; a directory's names listed.
        READ(1 << 2, 1 << 3),
        /// Opened for writing, cut, and as a device controlled by ioctl.
        WRITE(1 << 1 | 1 << 14 | 1 << 15, 0),
        /// Started as a program, or as the loader of one.
        EXECUTE(1 << 0, 0),
        /// Made: regular files only.
        CREATE(0, 1 << 8),
        /// A file below a directory is taken away.
        REMOVE(0, 1 << 5),
        /// Made as a socket to listen on, in place of another.
        LISTEN(0, 1 << 9 | 1 << 5);

        private final long ofFiles;
        private final long ofDirectories;

        Access(long ofFiles, long ofDirectories) {
            this.ofFiles = ofFiles;
            this.ofDirectories = ofDirectories;
        }
    }

    /// What is left to the thread.
    public sealed interface Rule {}

    /// A TCP port that may be connected to, on any host; without effect where this kernel's version does not take TCP.
    public record PortRule(int port) implements Rule {}

    /// A path. One that is not there is left out.
    public record PathRule(Path path, Set<Access> accesses) implements Rule {
        public PathRule {
            accesses = Set.copyOf(accesses);
        }

        private long rights() {
            long rights = 0;
            for (Access access : accesses) rights |= access.ofFiles | (Files.isDirectory(path) ? access.ofDirectories : 0);
            return rights;
        }
    }

    private static final int CREATE_RULESET = 444;
    private static final int ADD_RULE = 445;
    private static final int RESTRICT_SELF = 446;
    private static final int CREATE_RULESET_VERSION = 1;
    private static final int RULE_PATH_BENEATH = 1;
    private static final int RULE_NET_PORT = 2;

    /// `struct landlock_ruleset_attr`: three words from ABI 6 on, two from 4 on, one before.
    private static final long RULESET_BYTES = 24;
    /// `struct landlock_path_beneath_attr`, which is packed.
    private static final long PATH_BENEATH_BYTES = 12;
    /// `struct landlock_net_port_attr`.
    private static final long NET_PORT_BYTES = 16;

    private static final int ACCESS_NET_BIND_AND_CONNECT_TCP = 3;
    private static final int ACCESS_NET_CONNECT_TCP = 2;
    private static final int SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL = 3;

    private Landlock() {}

    /// The version of the kernel's Landlock, or 0 where there is none.
    public static int abi() {
        return Math.max(0, version());
    }

    /// Why there is no Landlock here; empty where there is.
    public static Optional<String> whyNot() {
        int version = version();
        if (version > 0) return Optional.empty();
        return Optional.of(switch (-version) {
            case Errno.EOPNOTSUPP -> "Landlock is switched off: the kernel's option lsm= lacks it";
            case Errno.ENOSYS -> "this kernel has no Landlock (Linux has it from 5.13 on)";
            default -> "Landlock is refused: " + new Errno(-version);
        });
    }

    private static int version() {
        if (!Platform.hasLinuxCalls()) return -Errno.ENOSYS;
        return (int) SystemCall.call(CREATE_RULESET, 0, 0, CREATE_RULESET_VERSION);
    }

    /// Takes from the calling thread all files and TCP but those of the rules, and signals and abstract sockets to processes outside, as
    /// far as this kernel's version goes. Sets no_new_privs. Throws [HostException] where the kernel refuses; nothing is taken then.
    public static void confineThisThread(List<Rule> rules) {
        int abi = abi();
        long handled = handled(abi);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(RULESET_BYTES, 8);
            attributes.set(JAVA_LONG, 0, handled);
            attributes.set(JAVA_LONG, 8, abi >= 4 ? ACCESS_NET_BIND_AND_CONNECT_TCP : 0);
            attributes.set(JAVA_LONG, 16, abi >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL : 0);
            long bytes = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
            int number = (int) SystemCall.checked(
                    "make a set of Landlock rules", "landlock_create_ruleset", CREATE_RULESET, attributes.address(), bytes, 0);
            try (Descriptor ruleset = new Descriptor(number, "Landlock rules")) {
                for (Rule rule : rules) {
                    switch (rule) {
                        case PathRule path -> add(arena, ruleset, path, handled);
                        case PortRule port -> {
                            if (abi >= 4) add(arena, ruleset, port);
                        }
                    }
                }
                SystemCall.setNoNewPrivileges();
                SystemCall.checked("confine this thread to its files", "landlock_restrict_self", RESTRICT_SELF, number, 0, 0);
            }
        }
    }

    /// The rights each version knows; those that no rule gives are refused.
    private static long handled(int abi) {
        return switch (abi) {
            case 1 -> 0x1fff;
            case 2 -> 0x3fff; // REFER
            case 3, 4 -> 0x7fff; // TRUNCATE
            default -> 0xffff; // IOCTL_DEV
        };
    }

    private static void add(Arena arena, Descriptor ruleset, PortRule rule) {
        MemorySegment attributes = arena.allocate(NET_PORT_BYTES, 8);
        attributes.set(JAVA_LONG, 0, ACCESS_NET_CONNECT_TCP);
        attributes.set(JAVA_LONG, 8, rule.port());
        String trying = "leave TCP port " + rule.port() + " to this thread";
        SystemCall.checked(trying, "landlock_add_rule", ADD_RULE, ruleset.number(), RULE_NET_PORT, attributes.address());
    }

    private static void add(Arena arena, Descriptor ruleset, PathRule rule, long handled) {
        if (!Files.exists(rule.path())) return;
        try (Descriptor path = Descriptor.reference(rule.path().toString())) {
            MemorySegment attributes = arena.allocate(PATH_BENEATH_BYTES, 8);
            attributes.set(JAVA_LONG, 0, rule.rights() & handled);
            attributes.set(JAVA_INT, 8, path.number());
            String trying = "leave " + rule.path() + " to this thread";
            SystemCall.checked(trying, "landlock_add_rule", ADD_RULE, ruleset.number(), RULE_PATH_BENEATH, attributes.address());
        }
    }
}
