package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Arguments and files that are wrong: a clear message, exit status 2, nothing on standard output, nothing left behind.
class BadInputTest {
    @TempDir
    private Path files;

    @TempDir
    private Path home;

    /// Runs `kahvem run` and expects it to refuse; `evidence` is in what it says.
    private void refused(String evidence, Object... options) {
        List<Object> arguments = new ArrayList<>(List.of("run"));
        arguments.addAll(Arrays.asList(options));
        if (!arguments.contains("--timeout")) arguments.addAll(List.of("--timeout", "10s")); // for what is not refused
        try (Guest kahvem = Guest.start(Guest.livingIn(home), arguments.toArray())) {
            assertThat(kahvem.exitStatus()).as(kahvem::transcript).isEqualTo(2);
            assertThat(kahvem.stdout()).isEmpty();
            assertThat(kahvem.stderr()).startsWith("kahvem").contains(evidence).doesNotContain("Exception", "\tat ", "bug");
        }
    }

    @AfterEach
    void leavesNothingBehind() throws IOException {
        try (Stream<Path> left = Files.list(home)) {
            assertThat(left).isEmpty();
        }
    }

    private Path payload() {
        return new Payload().haltForEver().in(files);
    }

    private Path file(String name, byte[] content) throws IOException {
        return Files.write(files.resolve(name), content);
    }

    @Test
    void anAbsentKernel() {
        refused("absent", "--kernel", files.resolve("absent"));
    }

    @Test
    void anAbsentInitrd() {
        TestGuests guests = TestGuests.orSkip();
        refused("no-initrd", "--kernel", guests.vmlinuz(), "--initrd", files.resolve("no-initrd"));
    }

    @Test
    void anAbsentMultibootModule() {
        refused("no-module", "--kernel", payload(), "--initrd", files.resolve("no-module") + " some arguments");
    }

    @Test
    void aDirectoryForAKernel() {
        refused(files.getFileName().toString(), "--kernel", files);
    }

    @Test
    void anEmptyKernel() throws IOException {
        refused("empty-kernel", "--kernel", file("empty-kernel", new byte[0]));
    }

    @Test
    void aKernelWithTheWrongMagic() throws IOException {
        String script = "#!/bin/sh\necho not a kernel\n".repeat(1000);
        refused("text", "--kernel", file("text", script.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        byte[] kernel = Files.readAllBytes(TestGuests.orSkip().vmlinuz());
        kernel[0x202] ^= 0x20; // "HdrS" no more
        refused("wrong-magic", "--kernel", file("wrong-magic", kernel));
    }

    /// Inside its boot sector, its set-up code, its payload, and what comes after that.
    @ParameterizedTest
    @ValueSource(ints = {256, 600, 9_000, 1 << 20, -150_000, -60_000})
    void aTruncatedKernel(int size) throws IOException {
        byte[] kernel = Files.readAllBytes(TestGuests.orSkip().vmlinuz());
        refused("truncated", "--kernel", file("truncated", Arrays.copyOf(kernel, size < 0 ? kernel.length + size : size)));
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 70, 1 << 20})
    void aTruncatedElf(int size) throws IOException {
        byte[] kernel = Files.readAllBytes(TestGuests.orSkip().vmlinux());
        refused("truncated", "--kernel", file("truncated", Arrays.copyOf(kernel, size)));
    }

    @Test
    void aKernelWhosePayloadIsDamaged() throws IOException {
        byte[] kernel = Files.readAllBytes(TestGuests.orSkip().vmlinuz());
        Arrays.fill(kernel, kernel.length / 2, kernel.length / 2 + 4096, (byte) 0xa5);
        refused("damaged", "--kernel", file("damaged", kernel));
    }

    @Test
    void anInitrdLargerThanMemory() throws IOException {
        Path huge = files.resolve("huge");
        try (RandomAccessFile sparse = new RandomAccessFile(huge.toFile(), "rw")) {
            sparse.setLength(1L << 30);
        }
        refused("huge", "--kernel", TestGuests.orSkip().vmlinuz(), "--initrd", huge, "--memory", "256M");
    }

    @Test
    void tooLittleMemoryForTheKernel() {
        refused("memory", "--kernel", TestGuests.orSkip().vmlinuz(), "--memory", "16M");
    }

    @Test
    void sizesCountsAndTimesThatAreNone() {
        refused("lots", "--kernel", payload(), "--memory", "lots");
        refused("memory", "--kernel", payload(), "--memory", "1");
        refused("cpus", "--kernel", payload(), "--cpus", "0");
        refused("cpus", "--kernel", payload(), "--cpus", "256");
        refused("--cpus", "--kernel", payload(), "--cpus", "two");
        refused("more than nothing", "--kernel", payload(), "--timeout", "0s");
        refused("soon", "--kernel", payload(), "--timeout", "soon");
    }

    @Test
    void namesOfThingsThatDoNotExist() {
        refused("xen", "--kernel", payload(), "--accel", "xen");
        refused("486", "--kernel", payload(), "--cpu", "486");
        refused("parallel", "--kernel", payload(), "--serial", "parallel");
        refused("--serial", "--kernel", payload(), "--serial", "file:" + files.resolve("no/such/directory"));
    }

    @Test
    void optionsThatDoNotExistYetOrNeverWill() {
        refused("--floppy", "--kernel", payload(), "--floppy", "image");
        refused("--net", "--kernel", payload(), "--net=user");
        refused("--colour", "--kernel", payload(), "--colour");
        refused("image.qcow2", "image.qcow2");
        refused("--kernel", "--initrd", payload());
    }
}
