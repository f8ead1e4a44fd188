package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LauncherTest {
    @Test
    void tellsItsVersion() {
        try (Guest kahvem = Guest.start("--version")) {
            assertThat(kahvem.exitStatus()).as(kahvem::transcript).isZero();
            assertThat(kahvem.stdout()).startsWith("kahvem 0.");
        }
    }

    @Test
    void startsThroughASymbolicLinkFromElsewhere(@TempDir Path elsewhere) throws IOException, InterruptedException {
        Path link = Files.createSymbolicLink(elsewhere.resolve("k"), Guest.launcher());
        Process process = new ProcessBuilder(link.toString(), "--version")
                .directory(elsewhere.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(new String(process.getInputStream().readAllBytes(), UTF_8)).startsWith("kahvem 0.");
        assertThat(process.waitFor()).isZero();
        Files.delete(link);
    }
}
