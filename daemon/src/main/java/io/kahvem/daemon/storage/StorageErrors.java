package io.kahvem.daemon.storage;

import io.kahvem.block.BlockException;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/// What this package refuses with, in libvirt's words.
final class StorageErrors {
    private StorageErrors() {}

    static LibvirtException of(ErrorCode code, String detail, Object... values) {
        return LibvirtException.of(code, ErrorDomain.STORAGE, detail.formatted(values));
    }

    static LibvirtException xml(String detail, Object... values) {
        return of(ErrorCode.XML_ERROR, detail, values);
    }

    static LibvirtException invalid(String detail, Object... values) {
        return of(ErrorCode.OPERATION_INVALID, detail, values);
    }

    /// A failure of the host's: `trying` completes "cannot ...".
    static LibvirtException system(String trying, IOException e) {
        String reason = switch (e) {
            case NoSuchFileException ignored -> "No such file or directory";
            case AccessDeniedException ignored -> "Permission denied";
            case FileAlreadyExistsException ignored -> "File exists";
            case NotDirectoryException ignored -> "Not a directory";
            default -> String.valueOf(e.getMessage());
        };
        return of(ErrorCode.SYSTEM_ERROR, "cannot %s: %s", trying, reason);
    }

    static LibvirtException image(BlockException e) {
        return of(ErrorCode.INTERNAL_ERROR, "%s", e.getMessage());
    }
}
