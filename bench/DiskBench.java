import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// A guest's disk here and under QEMU's TCG, interleaved: virtio-blk on raw and qcow2, and what firmware takes.
///
/// ```
/// bench/run disk [RUNS [SECONDS]]      disk speeds, SECONDS a test (1 by default)
/// bench/run firmware [RUNS]            SeaBIOS to GRUB's menu, OVMF to its shell: seconds from the process' start
/// ```
///
/// Needs gcc, cpio, QEMU, and for `firmware` grub-rescue-pc and ovmf.
public final class DiskBench {
    private static final Path ROOT = Path.of(System.getProperty("kahvem.root"));
    private static final Path GUESTS = Path.of(System.getProperty("kahvem.guests"));
    private static final long DISK_BYTES = 256L << 20;
    private static final String OVMF = "/usr/share/OVMF/OVMF_%s_4M.fd";
    private static final String GRUB = "/usr/lib/grub-rescue/grub-rescue-usb.img";

    private DiskBench() {}

    public static void main(String[] args) throws Exception {
        int runs = args.length > 1 ? Integer.parseInt(args[1]) : 3;
        Path dir = Files.createTempDirectory("kahvem-bench");
        try {
            if (args[0].equals("firmware")) {
                firmware(dir, runs);
            } else {
                disk(dir, runs, args.length > 2 ? args[2] : "1");
            }
        } finally {
            try (var files = Files.list(dir)) {
                for (Path file : files.toList()) Files.delete(file);
            }
            Files.delete(dir);
        }
    }

    private static void disk(Path dir, int runs, String seconds) throws Exception {
        Path initrd = initrd(dir, seconds);
        System.out.printf("%nvirtio-blk, one vCPU, %d MiB, %s s a test, median of %d interleaved runs; MB/s (128 KiB), 4 KiB requests a second%n%n",
                DISK_BYTES >> 20, seconds, runs);
        System.out.println("| test | Kahvem | QEMU TCG | Kahvem/TCG | target |\n|---|---:|---:|---:|---:|");
        for (String format : List.of("raw", "qcow2")) {
            Map<String, List<Double>> ours = new LinkedHashMap<>();
            Map<String, List<Double>> theirs = new LinkedHashMap<>();
            for (int n = 0; n < runs; n++) {
                collect(theirs, output(qemu(initrd, image(dir, format), format)));
                collect(ours, output(kahvem(initrd, image(dir, format), format)));
            }
            theirs.forEach((test, values) -> {
                double a = median(ours.getOrDefault(test, List.of(Double.NaN)));
                double b = median(values);
                System.out.printf(Locale.ROOT, "| %s %s | %.1f | %.1f | %.2f | 1.0 |%n", format, test, a, b, a / b);
            });
        }
    }

    /// The test guest's initial RAM disk with diskbench in it, which then switches the machine off.
    private static Path initrd(Path dir, String seconds) throws Exception {
        Path initrd = dir.resolve("initrd.gz");
        sh(dir, "mkdir overlay && gcc -O2 -static -o overlay/diskbench '%s' && cp '%s' initrd.gz && cd overlay && echo diskbench | cpio -o -H newc --quiet"
                .formatted(ROOT.resolve("bench/diskbench.c"), GUESTS.resolve("initrd.gz"))
                + " | gzip -1 >> ../initrd.gz && cd .. && rm -r overlay");
        Files.writeString(dir.resolve("append"), "console=ttyS0 quiet cryptomgr.notests no_timer_check task=sh cmd=/diskbench,/dev/vda," + seconds);
        return initrd;
    }

    private static Path image(Path dir, String format) throws Exception {
        Path image = dir.resolve("disk." + format);
        Files.deleteIfExists(image);
        sh(dir, "qemu-img create -q -f %s %s %d".formatted(format, image, DISK_BYTES));
        return image;
    }

    private static List<String> kahvem(Path initrd, Path disk, String format) throws IOException {
        return List.of(ROOT.resolve("kahvem").toString(), "run", "--accel", "jvm", "--kernel", GUESTS.resolve("vmlinuz").toString(), "--initrd",
                initrd.toString(), "--append", append(initrd), "--disk", disk + ",format=" + format);
    }

    private static List<String> qemu(Path initrd, Path disk, String format) throws IOException {
        List<String> command = new ArrayList<>(List.of(("qemu-system-x86_64 -machine q35,accel=tcg -cpu max -m 512 -display none -no-reboot -nodefaults"
                + " -serial stdio").split(" ")));
        command.addAll(List.of("-kernel", GUESTS.resolve("vmlinuz").toString(), "-initrd", initrd.toString(), "-append", append(initrd),
                "-drive", "file=%s,format=%s,if=virtio".formatted(disk, format)));
        return command;
    }

    private static String append(Path initrd) throws IOException {
        return Files.readString(initrd.resolveSibling("append"));
    }

    private static void collect(Map<String, List<Double>> into, String output) throws IOException {
        int found = 0;
        for (String line : output.split("\r?\n")) {
            String[] words = line.strip().split(" ");
            if (words.length != 2 || !words[0].startsWith("disk.")) continue;
            into.computeIfAbsent(words[0].substring(5), none -> new ArrayList<>()).add(Double.parseDouble(words[1]));
            found++;
        }
        if (found != 8) throw new IOException("8 results are due; the guest said: " + output);
    }

    private static void firmware(Path dir, int runs) throws Exception {
        Path grub = Path.of(GRUB);
        Path variables = Files.copy(Path.of(OVMF.formatted("VARS")), dir.resolve("vars.fd"));
        String ours = ROOT.resolve("kahvem") + " run --accel jvm";
        String theirs = "qemu-system-x86_64 -machine q35,accel=tcg -cpu max -m 512 -nodefaults -serial stdio";
        List<String[]> rows = List.of(
                new String[] {"SeaBIOS to GRUB's menu", "Press enter", ours + " --firmware seabios --disk " + grub + ",format=raw,snapshot",
                        theirs + " -nographic -drive if=virtio,format=raw,snapshot=on,file=" + grub},
                new String[] {"OVMF to its shell", "Shell> ", ours + " --firmware ovmf",
                        theirs + " -display none -drive if=pflash,format=raw,readonly=on,file=" + OVMF.formatted("CODE")
                                + " -drive if=pflash,format=raw,file=" + variables});
        System.out.printf("%nseconds from the process' start, median of %d interleaved runs%n%n", runs);
        System.out.println("| | Kahvem | QEMU TCG | ratio | target |\n|---|---:|---:|---:|---:|");
        for (String[] row : rows) {
            List<Double> mine = new ArrayList<>();
            List<Double> its = new ArrayList<>();
            for (int n = 0; n < runs; n++) {
                Files.copy(Path.of(OVMF.formatted("VARS")), variables, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
                its.add(until(row[3], row[1]));
                mine.add(until(row[2], row[1]));
            }
            double a = median(mine);
            double b = median(its);
            System.out.printf(Locale.ROOT, "| %s | %.2f | %.2f | %.2f | 1.0 |%n", row[0], a, b, a / b);
        }
    }

    /// Seconds until a program prints a text; it is ended then.
    private static double until(String command, String text) throws Exception {
        long start = System.nanoTime();
        Process process = new ProcessBuilder(command.split(" ")).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        StringBuilder said = new StringBuilder();
        try (InputStream in = process.getInputStream()) {
            byte[] buffer = new byte[4096];
            for (int n; (n = in.read(buffer)) >= 0; ) {
                said.append(new String(buffer, 0, n, java.nio.charset.StandardCharsets.ISO_8859_1));
                if (said.indexOf(text) >= 0) return (System.nanoTime() - start) / 1e9;
            }
            throw new IOException(command + " never printed " + text + ": " + said);
        } finally {
            process.destroy();
            if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        }
    }

    private static String output(List<String> command) throws Exception {
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        process.getOutputStream().close();
        process.onExit().completeOnTimeout(process, 4, TimeUnit.MINUTES).thenAccept(Process::destroy);
        String said = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) throw new IOException(String.join(" ", command) + ": " + said);
        return said;
    }

    private static void sh(Path dir, String script) throws Exception {
        Process process = new ProcessBuilder("bash", "-euc", script).directory(dir.toFile()).inheritIO().start();
        if (process.waitFor() != 0) throw new IOException(script);
    }

    private static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }
}
