package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Whether the files a machine needs are there.
final class DomainFiles {
    private DomainFiles() {}

    /// Throws for the first of the machine's files that is not there.
    static void require(DomainDefinition definition) {
        for (Optional<String> file : List.of(definition.kernel(), definition.initrd())) file.ifPresent(DomainFiles::require);
        for (Element disk : definition.devices("disk")) {
            disk.attributeAt("source", "file").or(() -> disk.attributeAt("source", "dev")).ifPresent(DomainFiles::require);
        }
    }

    static void require(String file) {
        Path path = Path.of(file);
        if (Files.isReadable(path)) return;
        String reason = Files.exists(path) ? "Permission denied" : "No such file or directory";
        throw LibvirtException.of(ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU, "Cannot access storage file '%s': %s".formatted(file, reason));
    }
}
