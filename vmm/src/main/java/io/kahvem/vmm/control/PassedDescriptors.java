package io.kahvem.vmm.control;

import io.kahvem.host.Descriptor;
import io.kahvem.host.Errno;
import io.kahvem.host.HostException;
import io.kahvem.host.HostFile;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Descriptors.AddFd;
import io.kahvem.qmp.schema.Descriptors.AddfdInfo;
import io.kahvem.qmp.schema.Descriptors.FdsetFdInfo;
import io.kahvem.qmp.schema.Descriptors.FdsetInfo;
import io.kahvem.qmp.schema.Descriptors.QueryFdsets;
import io.kahvem.qmp.schema.Descriptors.RemoveFd;
import io.kahvem.qmp.schema.Empty;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/// Files for commands. A machine in its sandbox opens none: a client passes a descriptor with the command that names the file, or
/// beforehand by add-fd, and gives `/dev/fdset/N` as the name then.
///
/// A set's descriptors are duplicated where they are used, and stay until they are removed.
final class PassedDescriptors implements AutoCloseable {
    /// What to do where a file cannot be opened for want of rights.
    static final String REMEDY = " (a confined machine opens no file: pass its descriptor with the command, or by add-fd)";

    private static final String PREFIX = "/dev/fdset/";

    private record Passed(Descriptor descriptor, Optional<String> opaque) {}

    private final TreeMap<Long, List<Passed>> sets = new TreeMap<>();

    void addTo(QmpService service) {
        service.on(AddFd.class, this::add);
        service.on(RemoveFd.class, this::remove);
        service.on(QueryFdsets.class, command -> list());
    }

    private synchronized AddfdInfo add(AddFd command, QmpCall call) {
        Descriptor descriptor = call.takeDescriptor()
                .orElseThrow(() -> new QmpException("No file descriptor supplied via SCM_RIGHTS"));
        long id = command.fdsetId().orElseGet(this::firstFree);
        if (id < 0) {
            descriptor.close();
            throw new QmpException("Parameter 'fdset-id' expects a non-negative value");
        }
        sets.computeIfAbsent(id, none -> new ArrayList<>()).add(new Passed(descriptor, command.opaque()));
        return new AddfdInfo(id, descriptor.number());
    }

    private long firstFree() {
        long id = 0;
        while (sets.containsKey(id)) id++;
        return id;
    }

    private synchronized Empty remove(RemoveFd command) {
        List<Passed> set = sets.getOrDefault(command.fdsetId(), List.of());
        List<Passed> gone = set.stream()
                .filter(passed -> command.fd().isEmpty() || command.fd().get() == passed.descriptor.number()).toList();
        if (gone.isEmpty()) {
            String which = command.fd().map(fd -> ", fd:" + fd).orElse("");
            throw new QmpException("File descriptor named 'fdset-id:%d%s' not found".formatted(command.fdsetId(), which));
        }
        gone.forEach(passed -> passed.descriptor.close());
        set.removeAll(gone);
        if (set.isEmpty()) sets.remove(command.fdsetId());
        return new Empty();
    }

    private synchronized List<FdsetInfo> list() {
        return sets.entrySet().stream()
                .map(set -> new FdsetInfo(set.getKey(), set.getValue().stream()
                        .map(passed -> new FdsetFdInfo(passed.descriptor.number(), passed.opaque)).toList()))
                .toList();
    }

    /// The descriptor that stands for this name: of a set, or passed with the command; the caller's. Throws [QmpException] for a set that
    /// is not there.
    synchronized Optional<Descriptor> named(String filename, QmpCall call) {
        if (!filename.startsWith(PREFIX)) return call.takeDescriptor();
        try {
            List<Passed> set = sets.get(Long.parseLong(filename.substring(PREFIX.length())));
            if (set != null) return Optional.of(set.getLast().descriptor.duplicate());
        } catch (NumberFormatException none) {
            // the same as a number without a set
        }
        throw new QmpException("Could not open '%s': No such file or directory".formatted(filename));
    }

    /// Opens a file to be written from its beginning. Throws [QmpException] that begins with `failed`.
    HostFile output(String failed, String filename, QmpCall call) {
        Optional<Descriptor> passed = named(filename, call);
        try {
            if (passed.isEmpty()) return HostFile.open(Path.of(filename), HostFile.Mode.CREATE);
        } catch (HostException e) {
            String meaning = new Errno(e.errno()).meaning();
            String remedy = e.errno() == Errno.EACCES || e.errno() == Errno.EPERM ? REMEDY : "";
            throw new QmpException("%s '%s': %s%s".formatted(failed, filename, meaning, remedy));
        }
        HostFile file = HostFile.of(passed.get(), Path.of(filename));
        file.resize(0); // a pipe has no length, and need not
        return file;
    }

    /// Throws [QmpException] where it cannot be written.
    static void write(HostFile file, long offset, long address, long length) {
        long n = file.write(offset, address, length);
        if (n < 0) throw new QmpException("cannot write %s: %s".formatted(file.path(), new Errno((int) -n).meaning()));
    }

    @Override
    public synchronized void close() {
        sets.values().forEach(set -> set.forEach(passed -> passed.descriptor.close()));
        sets.clear();
    }
}
