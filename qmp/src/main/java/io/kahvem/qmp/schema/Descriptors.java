package io.kahvem.qmp.schema;

import java.util.List;
import java.util.Optional;

/// Descriptors that a client passes beforehand, for `/dev/fdset/N` in place of a file's name: QEMU's misc.json.
public interface Descriptors {
    record AddFd(Optional<Long> fdsetId, Optional<String> opaque) implements Command<AddfdInfo> {}

    record AddfdInfo(long fdsetId, long fd) {}

    record RemoveFd(long fdsetId, Optional<Long> fd) implements Command<Empty> {}

    record QueryFdsets() implements Command<List<FdsetInfo>> {}

    record FdsetInfo(long fdsetId, List<FdsetFdInfo> fds) {}

    record FdsetFdInfo(long fd, Optional<String> opaque) {}
}
