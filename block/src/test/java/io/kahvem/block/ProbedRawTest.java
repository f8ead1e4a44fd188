package io.kahvem.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A guest must not choose what its image is taken for.
class ProbedRawTest {
    private static final byte[] QCOW2 = {'Q', 'F', 'I', (byte) 0xfb, 0, 0, 0, 3};

    @TempDir
    private Path dir;

    private String image() throws IOException {
        return Files.write(dir.resolve("disk"), new byte[65_536]).toString();
    }

    @Test
    void aProbedImageRefusesAnotherFormatsBeginning() throws IOException {
        try (BlockNode node = Images.open(image(), OpenOptions.writable(null))) {
            MemorySegment magic = Bytes.of(QCOW2);
            assertThatThrownBy(() -> node.write(0, magic)).isInstanceOf(BlockException.class).hasMessageContaining("qcow2");
            // In two steps, the second of which makes it one.
            node.write(4, magic.asSlice(4, 4));
            assertThatThrownBy(() -> node.write(0, magic.asSlice(0, 4))).isInstanceOf(BlockException.class);
            node.write(512, magic);
            assertThat(Bytes.read(node, 0, 4)).containsOnly(0);
        }
    }

    @Test
    void oneWhoseFormatWasGivenTakesIt() throws IOException {
        try (BlockNode node = Images.open(image(), OpenOptions.writable("raw"))) {
            node.write(0, Bytes.of(QCOW2));
            assertThat(Bytes.read(node, 0, 8)).isEqualTo(QCOW2);
        }
    }
}
