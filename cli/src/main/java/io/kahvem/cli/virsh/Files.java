package io.kahvem.cli.virsh;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// Descriptions in files, and the user's editor.
final class Files {
    private Files() {}

    static String read(String name) {
        try {
            return new String(java.nio.file.Files.readAllBytes(Path.of(name)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new Failure("Failed to open file '%s': %s".formatted(name, reason(e)));
        }
    }

    /// Why a file could not be used, in the system's words.
    static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException ignored -> "No such file or directory";
            case AccessDeniedException ignored -> "Permission denied";
            default -> String.valueOf(e.getMessage());
        };
    }

    /// What the user makes of a text in their editor: `$VISUAL`, `$EDITOR`, else vi.
    static String edit(Session session, String text) {
        try {
            Path file = java.nio.file.Files.createTempFile("kahvem", ".xml");
            try {
                java.nio.file.Files.writeString(file, text);
                String editor = session.environment("VISUAL").or(() -> session.environment("EDITOR")).orElse("vi");
                Process process = new ProcessBuilder("sh", "-c", editor + " \"$1\"", "sh", file.toString()).inheritIO().start();
                int status = process.waitFor();
                if (status != 0) throw new Failure("%s: %s: command exited with non-zero status".formatted(editor, file));
                return java.nio.file.Files.readString(file);
            } finally {
                java.nio.file.Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted");
        }
    }
}
