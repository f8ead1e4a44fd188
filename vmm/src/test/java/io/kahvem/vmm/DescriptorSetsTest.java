package io.kahvem.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.config.ConfigException;
import io.kahvem.config.PassedFile;
import io.kahvem.host.Descriptor;
import io.kahvem.host.Descriptor.Access;
import io.kahvem.host.HostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sets of descriptors in place of files.
class DescriptorSetsTest {
    private static final long SIZE = 1 << 20;

    @TempDir
    private Path directory;

    private final DescriptorSets sets = new DescriptorSets(List.of());

    @BeforeEach
    void needsDescriptors() {
        assumeTrue(Descriptor.isSupported(), "this host has no descriptors that Java could pass");
    }

    @AfterEach
    void close() {
        sets.close();
    }

    private void add(long set, Descriptor descriptor) {
        assertThat(sets.add(Optional.of(set), new DescriptorSets.Member(descriptor, Optional.empty()))).isEqualTo(set);
    }

    private String raw(String name) throws Exception {
        return Files.write(directory.resolve(name), new byte[(int) SIZE]).toString();
    }

    @Test
    void theOneThatIsOpenForWhatIsWantedIsTaken() throws Exception {
        String file = raw("disk");
        add(3, Descriptor.openForReading(file));
        add(3, Descriptor.open(file));
        for (Access access : List.of(Access.READ, Access.READ_WRITE)) {
            try (Descriptor taken = sets.descriptor("/dev/fdset/3", access)) {
                assertThat(taken.access()).isEqualTo(access);
            }
        }
        try (Descriptor taken = sets.descriptor("/dev/fdset/3", Access.WRITE)) {
            assertThat(taken.access()).as("reading and writing is more than that").isEqualTo(Access.READ_WRITE);
        }
    }

    @Test
    void whatDoesNotFitIsRefusedWithTheReason() throws Exception {
        add(1, Descriptor.openForReading(raw("disk")));
        assertThatThrownBy(() -> Images.open("/dev/fdset/1", OpenOptions.writable("raw").withFiles(sets)))
                .isInstanceOf(BlockException.class).hasMessage("Could not open '/dev/fdset/1': Permission denied (the set has no"
                        + " descriptor that is open for reading and writing)");
        for (String none : List.of("/dev/fdset/2", "/dev/fdset/", "/dev/fdset/x", "/dev/fdset/-1")) {
            assertThatThrownBy(() -> Images.open(none, OpenOptions.readOnly("raw").withFiles(sets)))
                    .isInstanceOf(BlockException.class).hasMessage("Could not open '%s': No such file or directory".formatted(none));
        }
    }

    @Test
    void aSetIsAFileThatIsOpenedAnewForWritingAndMayBeBelowAnImage() throws Exception {
        String base = raw("base");
        ImageFormat qcow2 = Formats.named("qcow2");
        String top = directory.resolve("top.qcow2").toString();
        Images.create(qcow2, top, SIZE, new CreateOptions(qcow2).set("backing_file", "/dev/fdset/8").set("backing_fmt", "raw"));
        add(7, Descriptor.open(top));
        add(8, Descriptor.openForReading(base));
        try (BlockNode node = Images.open("/dev/fdset/7", OpenOptions.writable("qcow2").withFiles(sets))) {
            BlockNode below = Objects.requireNonNull(node.backing());
            assertThatThrownBy(() -> below.setReadOnly(false)).isInstanceOf(BlockException.class).hasMessageContaining("/dev/fdset/8");
            add(8, Descriptor.open(base));
            below.setReadOnly(false);
            assertThat(below.isReadOnly()).isFalse();
            below.setReadOnly(true);
        }
        assertThat(sets.remove(7, all -> true)).isTrue();
        assertThat(sets.remove(7, all -> true)).isFalse();
        try (BlockNode again = Images.open(top, OpenOptions.writable("qcow2").withBacking(false))) {
            assertThat(again.sizeBytes()).as("no lock is left").isEqualTo(SIZE);
        }
        try (BlockNode again = Images.open(base, OpenOptions.writable("raw"))) {
            assertThat(again.sizeBytes()).as("no lock is left, though the set has the file open").isEqualTo(SIZE);
        }
    }

    @Test
    void whatTheProcessWasNotStartedWithIsRefused() throws Exception {
        assertThat(PassedFile.parse("fd=7,set=2,opaque=rdwr:disk")).isEqualTo(new PassedFile(7, 2, Optional.of("rdwr:disk")));
        for (String wrong : List.of("", "fd=7", "set=2", "fd=7,set=2,fd=8", "fd=7,set=2,what=1", "fd=-7,set=2", "fd=x,set=2")) {
            assertThatThrownBy(() -> PassedFile.parse(wrong)).isInstanceOf(ConfigException.class).hasMessageContaining("fd=N,set=M");
        }
        assertThatThrownBy(() -> PassedFile.parse("fd=2,set=1")).isInstanceOf(ConfigException.class).hasMessageContaining("stderr");
        assertThatThrownBy(() -> new DescriptorSets(List.of(PassedFile.parse("fd=999999,set=1"))))
                .isInstanceOf(HostException.class).hasMessageContaining("EBADF");
        try (Descriptor own = Descriptor.open(raw("own"))) {
            assertThatThrownBy(() -> new DescriptorSets(List.of(new PassedFile(own.number(), 1, Optional.empty()))))
                    .isInstanceOf(HostException.class).hasMessageContaining("was not passed");
        }
    }
}
