package io.kahvem.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// QEMU's own tools, the judges of images.
public final class QemuTools {
    /// @param output standard output and error together
    public record Result(int status, String output) {}

    private QemuTools() {}

    /// Skips the test where QEMU's tools are not installed.
    public static void needed() {
        boolean there = Arrays.stream(System.getenv("PATH").split(":")).anyMatch(dir -> Files.isExecutable(Path.of(dir, "qemu-img")));
        assumeTrue(there, "qemu-img is not installed (Debian: apt-get install qemu-utils)");
    }

    public static Result run(String tool, Object... arguments) {
        List<String> command = Stream.concat(Stream.of(tool), Arrays.stream(arguments).map(Object::toString)).toList();
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(60, TimeUnit.SECONDS)) throw new AssertionError("does not end: " + command);
            return new Result(process.exitValue(), output);
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /// qemu-img, which must succeed. What it says.
    public static String img(Object... arguments) {
        Result result = run("qemu-img", arguments);
        assertThat(result.status()).as("qemu-img %s: %s", Arrays.toString(arguments), result.output()).isZero();
        return result.output();
    }

    /// qemu-io's commands on an image, which must succeed.
    public static String io(Path image, String format, String... commands) {
        Stream<String> options = Stream.concat(Stream.of("-f", format), Arrays.stream(commands).flatMap(c -> Stream.of("-c", c)));
        Result result = run("qemu-io", Stream.concat(options, Stream.of(image.toString())).toArray());
        assertThat(result.status()).as(result.output()).isZero();
        assertThat(result.output()).doesNotContain("failed", "Pattern verification");
        return result.output();
    }

    /// `qemu-img check` finds nothing, not even a leak.
    public static void check(Path image) {
        Result result = run("qemu-img", "check", image);
        assertThat(result.status()).as(result.output()).isZero();
    }
}
