package io.kahvem.vmm;

import io.kahvem.block.BlockException;
import io.kahvem.block.FileOpener;
import io.kahvem.config.PassedFile;
import io.kahvem.host.Descriptor;
import io.kahvem.host.Descriptor.Access;
import io.kahvem.host.Errno;
import io.kahvem.host.HostFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/// Sets of descriptors that were passed to this process: `/dev/fdset/N` in place of a file's name is the one of set N that is open for what
/// is wanted, and one for reading and writing where none is just that. Other names are opened by their paths.
///
/// A set's descriptors are duplicated where they are used, and stay until they are removed. Safe from any thread.
public final class DescriptorSets implements FileOpener, AutoCloseable {
    private static final String PREFIX = "/dev/fdset/";

    /// @param opaque what who passed it says of it
    public record Member(Descriptor descriptor, Optional<String> opaque) {}

    private final TreeMap<Long, List<Member>> sets = new TreeMap<>();

    /// With those that the process was started with. Throws [io.kahvem.host.HostException] where one was not.
    public DescriptorSets(List<PassedFile> passed) {
        for (PassedFile file : passed) {
            add(Optional.of(file.set()), new Member(Descriptor.inherited(file.descriptor()), file.opaque()));
        }
    }

    /// Whether a name stands for a descriptor.
    public static boolean isOne(String name) {
        return name.startsWith(PREFIX);
    }

    /// Puts a descriptor into a set, or into a new one; the set's number.
    public synchronized long add(Optional<Long> set, Member member) {
        long id = set.orElseGet(this::firstFree);
        sets.computeIfAbsent(id, none -> new ArrayList<>()).add(member);
        return id;
    }

    private long firstFree() {
        long id = 0;
        while (sets.containsKey(id)) id++;
        return id;
    }

    /// Closes those of a set; whether there were any.
    public synchronized boolean remove(long id, Predicate<Member> which) {
        List<Member> set = sets.get(id);
        if (set == null) return false;
        List<Member> gone = set.stream().filter(which).toList();
        gone.forEach(member -> member.descriptor.close());
        set.removeAll(gone);
        if (set.isEmpty()) sets.remove(id);
        return !gone.isEmpty();
    }

    /// By their numbers.
    public synchronized TreeMap<Long, List<Member>> all() {
        TreeMap<Long, List<Member>> all = new TreeMap<>();
        sets.forEach((id, members) -> all.put(id, List.copyOf(members)));
        return all;
    }

    @Override
    public HostFile open(String name, HostFile.Mode mode) {
        if (!isOne(name)) return BY_NAME.open(name, mode);
        Descriptor descriptor = descriptor(name, mode.write() ? Access.READ_WRITE : Access.READ);
        return mode.direct() ? HostFile.direct(descriptor, Path.of(name)) : HostFile.of(descriptor, Path.of(name));
    }

    /// A duplicate of the one that a name stands for; the caller's. Throws [BlockException] in QEMU's words.
    public synchronized Descriptor descriptor(String name, Access wanted) {
        List<Member> set = numberIn(name).map(sets::get).orElse(null);
        if (set == null) throw new BlockException(Errno.ENOENT, "Could not open '%s': No such file or directory".formatted(name));
        Optional<Descriptor> fits = openFor(set, wanted).or(() -> openFor(set, Access.READ_WRITE));
        String refusal = "Could not open '%s': Permission denied (the set has no descriptor that is open for %s)";
        return fits.orElseThrow(() -> new BlockException(Errno.EACCES, refusal.formatted(name, words(wanted)))).duplicate();
    }

    private static Optional<Descriptor> openFor(List<Member> set, Access access) {
        return set.stream().map(Member::descriptor).filter(descriptor -> descriptor.access() == access).findFirst();
    }

    private static String words(Access access) {
        return switch (access) {
            case READ -> "reading";
            case WRITE -> "writing";
            case READ_WRITE -> "reading and writing";
        };
    }

    private static Optional<Long> numberIn(String name) {
        try {
            return Optional.of(Long.parseLong(name.substring(PREFIX.length())));
        } catch (NumberFormatException none) {
            return Optional.empty();
        }
    }

    @Override
    public synchronized void close() {
        sets.values().forEach(set -> set.forEach(member -> member.descriptor.close()));
        sets.clear();
    }
}
