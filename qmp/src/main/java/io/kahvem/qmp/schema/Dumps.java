package io.kahvem.qmp.schema;

import java.util.List;
import java.util.Optional;

/// The guest's memory with its processors' state: QEMU's dump.json.
public interface Dumps {
    /// `protocol` is `file:PATH`. `begin` and `length` in bytes of guest-physical memory.
    record DumpGuestMemory(
            boolean paging, String protocol, Optional<Boolean> detach, Optional<Long> begin, Optional<Long> length,
            Optional<DumpGuestMemoryFormat> format) implements Command<Empty> {}

    enum DumpGuestMemoryFormat {
        ELF,
        KDUMP_ZLIB,
        KDUMP_LZO,
        KDUMP_SNAPPY,
        WIN_DMP
    }

    record QueryDump() implements Command<DumpQueryResult> {}

    /// Bytes.
    record DumpQueryResult(DumpStatus status, long completed, long total) {}

    enum DumpStatus {
        NONE,
        ACTIVE,
        COMPLETED,
        FAILED
    }

    record QueryDumpGuestMemoryCapability() implements Command<DumpGuestMemoryCapability> {}

    record DumpGuestMemoryCapability(List<DumpGuestMemoryFormat> formats) {}

    @Name("DUMP_COMPLETED")
    record DumpCompletedEvent(DumpQueryResult result, Optional<String> error) implements Event {}
}
