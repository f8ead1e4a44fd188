package io.kahvem.cli.doctor;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;

/// Why a file did not open, in the words a person uses; the path is in the sentence around it.
final class Reasons {
    private Reasons() {}

    static String of(IOException refused) {
        if (refused instanceof AccessDeniedException) return "permission denied";
        String reason = refused instanceof FileSystemException in ? in.getReason() : refused.getMessage();
        return reason == null ? refused.toString() : reason;
    }
}
