package io.kahvem.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kahvem and QEMU keep each other from an image that is in use.
class LocksTest {
    @TempDir
    private Path dir;

    private Path image;

    @BeforeEach
    void makeImage() throws IOException {
        QemuTools.needed();
        image = Files.write(dir.resolve("disk.raw"), new byte[65536]);
    }

    @Test
    void qemuFindsAnImageOfOursInUse() {
        try (BlockNode ours = Images.open(image.toString(), OpenOptions.writable("raw"))) {
            QemuTools.Result result = QemuTools.run("qemu-io", "-f", "raw", "-c", "read 0 512", image);
            assertThat(result.output()).contains("Failed to get \"write\" lock").contains("Is another process using the image");
            assertThat(ours.sizeBytes()).isEqualTo(65536);
        }
        QemuTools.io(image, "raw", "write 0 512");
    }

    @Test
    void anImageOfQemusIsInUse() throws Exception {
        Process qemu = new ProcessBuilder("qemu-io", "-f", "raw", image.toString()).redirectErrorStream(true).start();
        try {
            qemu.getOutputStream().write("read 0 512\n".getBytes(StandardCharsets.UTF_8));
            qemu.getOutputStream().flush();
            while (qemu.inputReader().read() != 'r') Thread.onSpinWait(); // "read 512/512 bytes": it is open
            assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.writable("raw")))
                    .isInstanceOf(BlockException.class)
                    .hasMessage("Could not open '%1$s': Failed to get shared \"write\" lock\nIs another process using the image [%1$s]?"
                            .formatted(image));
        } finally {
            qemu.destroy();
            qemu.waitFor();
        }
        Images.open(image.toString(), OpenOptions.writable("raw")).close();
    }

    @Test
    void anImageIsWrittenOnceAtATimeHereToo() {
        try (BlockNode first = Images.open(image.toString(), OpenOptions.writable("raw"))) {
            assertThatThrownBy(() -> Images.open(image.toString(), OpenOptions.writable("raw")))
                    .hasMessageContaining("Failed to get \"write\" lock");
            assertThat(first.isReadOnly()).isFalse();
        }
    }
}
