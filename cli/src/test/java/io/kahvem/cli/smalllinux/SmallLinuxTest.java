package io.kahvem.cli.smalllinux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.cli.CliException;
import io.kahvem.cli.ProcessEnd;
import io.kahvem.cli.Progress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The small Linux from an apt that is a shell script: packages are tar archives, and dpkg-deb is cat.
@Timeout(60)
class SmallLinuxTest {
    private static final String DEBIAN_POLICY = """
            case "$2" in
            linux-image-cloud-amd64:amd64|busybox-static:amd64) printf '%s:\\n  Installed: (none)\\n  Candidate: 1.0\\n' "$2";;
            *) echo "N: Unable to locate package $2" >&2;;
            esac
            """;
    private static final String DEBIAN_DEPENDS = """
            linux-image-cloud-amd64
              Depends: linux-image-6.1.0-1-cloud-amd64
            """;

    @TempDir
    Path directory;

    private Path bin;
    private Path cache;
    private Path log;
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeEach
    void makeApt() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/tar")) || Files.isExecutable(Path.of("/usr/bin/tar")), "there is no tar");
        bin = Files.createDirectory(directory.resolve("bin"));
        cache = Files.createDirectory(directory.resolve("cache"));
        log = Files.createFile(directory.resolve("log"));
        Path kernel = directory.resolve("kernel");
        write(kernel.resolve("boot/vmlinuz-6.1.0-1-cloud-amd64"), "KERNEL");
        write(kernel.resolve("boot/config-6.1.0-1-cloud-amd64"), "CONFIG");
        write(kernel.resolve("lib/modules/6.1.0-1-cloud-amd64/kernel/drivers/acpi/button.ko"), "BUTTON");
        write(kernel.resolve("lib/modules/6.1.0-1-cloud-amd64/kernel/drivers/input/evdev.ko.xz"), "EVDEV");
        write(kernel.resolve("lib/modules/6.1.0-1-cloud-amd64/kernel/drivers/input/" + "long-".repeat(40) + ".ko"), "LONG");
        Path busybox = directory.resolve("busybox");
        write(busybox.resolve("usr/share/initramfs-tools/hooks/busybox"), "not this one");
        write(busybox.resolve("bin/busybox"), "\u007fELF...\0[\0[[\0ash\0busybox\0mount\0poweroff\0sh\0\0rest");
        tar(kernel, "kernel.deb");
        tar(busybox, "busybox.deb");
        script("dpkg-deb", "exec cat \"$2\"");
        script("apt-cache", "[ \"$1\" = policy ] || { cat <<'E'\n" + DEBIAN_DEPENDS + "E\nexit; }\n" + DEBIAN_POLICY);
        script("apt-get", """
                echo "$@" >> %s
                echo "Get:1 somewhere"; echo "dlstatus:1:50.0:Retrieving file 1 of 2"
                cp %s/kernel.deb linux-image-6.1.0-1_amd64.deb; cp %s/busybox.deb busybox-static_amd64.deb
                """.formatted(log, directory, directory));
    }

    private static void write(Path file, String content) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, content, StandardCharsets.ISO_8859_1);
    }

    private void tar(Path from, String name) throws Exception {
        Process tar = new ProcessBuilder("tar", "--format=gnu", "-C", from.toString(), "-cf", directory.resolve(name).toString(), ".")
                .inheritIO()
                .start();
        assertThat(tar.waitFor()).isZero();
    }

    private void script(String name, String body) throws IOException {
        Path file = Files.writeString(bin.resolve(name), "#!/bin/sh\n" + body);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private SmallLinux prepare() {
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        return SmallLinux.prepare(cache, Map.of("PATH", bin + ":/usr/bin:/bin"), new Progress(stream, false), new ProcessEnd());
    }

    /// With nothing on PATH but what the test wrote.
    private SmallLinux prepareOnlyWithFakes() {
        return SmallLinux.prepare(cache, Map.of("PATH", bin.toString()), new Progress(new PrintStream(err), false), new ProcessEnd());
    }

    private List<String> cached() throws IOException {
        try (Stream<Path> entries = Files.list(cache)) {
            return entries.map(e -> e.getFileName().toString().replaceFirst("[0-9a-f]{12}$", "RECIPE")).sorted().toList();
        }
    }

    private String said() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void isTheKernelAndAnInitramfsOfBusybox() throws IOException {
        SmallLinux linux = prepare();
        assertThat(linux.kernel()).hasContent("KERNEL");
        String initrd = Files.readString(linux.initrd(), StandardCharsets.ISO_8859_1);
        assertThat(initrd).startsWith("070701")
                .contains("bin/poweroff\0", "etc/inittab\0", "lib/modules/button.ko\0", "lib/modules/evdev.ko.xz\0")
                .doesNotContain("long-", "not this one");
        assertThat(linux.commandLine()).contains("console=ttyS0");
        assertThat(cached()).containsExactly("small-linux-RECIPE", "small-linux-lock");
        assertThat(log).content().contains("linux-image-6.1.0-1-cloud-amd64:amd64 busybox-static:amd64");
        assertThat(said()).isEmpty();
    }

    @Test
    void isTakenFromTheCacheTheSecondTime() throws IOException {
        SmallLinux first = prepare();
        Files.delete(bin.resolve("apt-get"));
        assertThat(prepareOnlyWithFakes()).isEqualTo(first);
        assertThat(said()).isEmpty();
    }

    @Test
    void isBuiltAgainWhereTheCacheIsDamagedAndSaysSo() throws IOException {
        SmallLinux first = prepare();
        Files.writeString(first.kernel(), "KERNAL");
        assertThat(prepare().kernel()).hasContent("KERNEL");
        assertThat(said()).contains("damaged", "vmlinuz does not match");
        Files.delete(first.initrd());
        prepare();
        assertThat(said()).contains("initrd is missing");
        Files.writeString(first.kernel().resolveSibling("SHA256SUMS"), "nonsense");
        prepare();
        assertThat(said()).contains("SHA256SUMS is not what was written");
        assertThat(cached()).containsExactly("small-linux-RECIPE", "small-linux-lock");
    }

    @Test
    void clearsWhatAKilledBuildLeft() throws IOException {
        Files.writeString(Files.createDirectory(cache.resolve("small-linux-tmp-dead")).resolve("part"), "x");
        prepare();
        assertThat(cached()).containsExactly("small-linux-RECIPE", "small-linux-lock");
    }

    @Test
    void whereThereIsNoAptAsksForAKernel() throws IOException {
        Files.delete(bin.resolve("apt-get"));
        assertThatThrownBy(this::prepareOnlyWithFakes).isInstanceOf(CliException.class)
                .hasMessageContaining("apt-get").hasMessageContaining("--kernel FILE")
                .extracting("exitStatus").isEqualTo(2);
    }

    @Test
    void whereThereAreNoPackageListsNamesTheCommandThatFetchesThem() throws IOException {
        script("apt-cache", "echo 'N: Unable to locate package' >&2");
        assertThatThrownBy(this::prepare).isInstanceOf(CliException.class).hasMessageContaining("busybox-static")
                .hasMessageContaining("sudo apt-get update").extracting("exitStatus").isEqualTo(2);
        assertThat(cached()).containsExactly("small-linux-lock");
    }

    @Test
    void aFailedDownloadShowsAptsLastLinesAndLeavesNothing() throws IOException {
        script("apt-get", "echo part > part.deb; echo 'Err:1 404  Not Found'; echo 'E: Unable to fetch some archives' >&2; exit 100");
        assertThatThrownBy(this::prepare).isInstanceOf(CliException.class).hasMessageContaining("exit status 100")
                .hasMessageContaining("404  Not Found").hasMessageContaining("E: Unable to fetch")
                .hasMessageContaining("sudo apt-get update")
                .extracting("exitStatus").isEqualTo(70);
        assertThat(cached()).containsExactly("small-linux-lock");
    }

    @Test
    void aDamagedPackageIsToldWithDpkgsWords() throws IOException {
        script("dpkg-deb", "echo 'dpkg-deb: error: not a Debian format archive' >&2; exit 2");
        assertThatThrownBy(this::prepare).isInstanceOf(CliException.class).hasMessageContaining("not a Debian format archive")
                .extracting("exitStatus").isEqualTo(70);
        script("dpkg-deb", "head -c 700 \"$2\"");
        assertThatThrownBy(this::prepare).isInstanceOf(CliException.class).hasMessageContaining("could not unpack");
        assertThat(cached()).containsExactly("small-linux-lock");
    }

    @Test
    void anUnwritableCacheNamesTheWayOut() throws IOException {
        cache = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(this::prepare).isInstanceOf(CliException.class).hasMessageContaining("XDG_CACHE_HOME");
    }

    @Test
    void theCandidateIsReadFromPolicy() {
        assertThat(Apt.candidateIn("x:\n  Installed: (none)\n  Candidate: 1:1.35.0-4+b1\n  Version table:\n")).contains("1:1.35.0-4+b1");
        assertThat(Apt.candidateIn("x:\n  Installed: (none)\n  Candidate: (none)\n")).isEmpty();
        assertThat(Apt.candidateIn("")).isEmpty();
    }

    @Test
    void dependenciesAreRealPackagesWithAlternativesAndWithoutArchitecture() {
        assertThat(Apt.dependencies("""
                linux-image-virtual:amd64
                  Depends: linux-image-6.8.0-31-generic:amd64
                 |PreDepends: debconf
                  PreDepends: <debconf-2.0>
                    debconf
                  Recommends: thermald
                """)).containsExactly("linux-image-6.8.0-31-generic", "debconf");
    }
}
