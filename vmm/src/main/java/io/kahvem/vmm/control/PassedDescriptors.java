package io.kahvem.vmm.control;

import io.kahvem.block.BlockException;
import io.kahvem.block.FileOpener;
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
import io.kahvem.vmm.DescriptorSets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Files for commands. A machine in its sandbox opens none: a client passes a descriptor with the command that names the file, or
/// beforehand by add-fd, and gives `/dev/fdset/N` as the name then.
final class PassedDescriptors {
    /// What to do where a file cannot be opened for want of rights.
    static final String REMEDY = " (a confined machine opens no file: pass its descriptor with the command, or by add-fd)";

    private final DescriptorSets sets;

    PassedDescriptors(DescriptorSets sets) {
        this.sets = sets;
    }

    void addTo(QmpService service) {
        service.on(AddFd.class, this::add);
        service.on(RemoveFd.class, this::remove);
        service.on(QueryFdsets.class, command -> list());
    }

    private AddfdInfo add(AddFd command, QmpCall call) {
        Descriptor descriptor = call.takeDescriptor()
                .orElseThrow(() -> new QmpException("No file descriptor supplied via SCM_RIGHTS"));
        if (command.fdsetId().orElse(0L) < 0) {
            descriptor.close();
            throw new QmpException("Parameter 'fdset-id' expects a non-negative value");
        }
        long id = sets.add(command.fdsetId(), new DescriptorSets.Member(descriptor, command.opaque()));
        return new AddfdInfo(id, descriptor.number());
    }

    private Empty remove(RemoveFd command) {
        Optional<Long> fd = command.fd();
        if (!sets.remove(command.fdsetId(), member -> fd.isEmpty() || fd.get() == member.descriptor().number())) {
            String which = fd.map(number -> ", fd:" + number).orElse("");
            throw new QmpException("File descriptor named 'fdset-id:%d%s' not found".formatted(command.fdsetId(), which));
        }
        return new Empty();
    }

    private List<FdsetInfo> list() {
        return sets.all().entrySet().stream()
                .map(set -> new FdsetInfo(set.getKey(), set.getValue().stream()
                        .map(member -> new FdsetFdInfo(member.descriptor().number(), member.opaque())).toList()))
                .toList();
    }

    /// Opens the files of sets, and others by their paths.
    FileOpener opener() {
        return sets;
    }

    /// The descriptor that stands for this name: of a set, or passed with the command; the caller's. Throws [QmpException] where none of
    /// the set fits.
    Optional<Descriptor> named(String filename, Descriptor.Access wanted, QmpCall call) {
        if (!DescriptorSets.isOne(filename)) return call.takeDescriptor();
        try {
            return Optional.of(sets.descriptor(filename, wanted));
        } catch (BlockException e) {
            throw ImageFiles.refused(e);
        }
    }

    /// Opens a file to be written from its beginning. Throws [QmpException] that begins with `failed`.
    HostFile output(String failed, String filename, QmpCall call) {
        Optional<Descriptor> passed = named(filename, Descriptor.Access.WRITE, call);
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
}
