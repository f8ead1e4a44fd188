import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/// `kahvem image convert` beside qemu-img, interleaved: a disk of 4 GiB with 1 GiB of data, raw to qcow2 and back, plain and compressed.
///
/// ```
/// bench/run image [RUNS [MIB]]     wall time and processor time; MIB: how much data, 1,024 by default, on a disk four times as large
/// ```
///
/// Needs `qemu-img` (Debian: qemu-utils) and room for three such disks in the directory for temporary files.
public final class ImageBench {
    private static final Path ROOT = Path.of(System.getProperty("kahvem.root"));
    private static final int MIB = 1 << 20;

    /// @param cpu seconds of user and system time of the process
    private record Run(double wall, double cpu) {}

    private ImageBench() {}

    public static void main(String[] args) throws Exception {
        int runs = args.length > 1 ? Integer.parseInt(args[1]) : 3;
        int dataMib = args.length > 2 ? Integer.parseInt(args[2]) : 1024;
        Path dir = Files.createTempDirectory("kahvem-bench");
        try {
            Path raw = dir.resolve("disk.raw");
            fill(raw, dataMib);
            List<String> steps = List.of(
                    "-f raw -O qcow2 disk.raw out", "-f raw -c -O qcow2 disk.raw out", "-f raw -c -O qcow2 -o compression_type=zstd disk.raw out",
                    "-f qcow2 -O raw plain.qcow2 out", "-f qcow2 -O raw zlib.qcow2 out", "-f qcow2 -O raw zstd.qcow2 out");
            run(dir, "qemu-img", "-f raw -O qcow2 disk.raw plain.qcow2");
            run(dir, "qemu-img", "-f raw -c -O qcow2 disk.raw zlib.qcow2");
            run(dir, "qemu-img", "-f raw -c -O qcow2 -o compression_type=zstd disk.raw zstd.qcow2");
            System.out.printf("%nconvert, %d MiB of data on a disk of %d MiB, median of %d interleaved runs, seconds%n%n", dataMib, 4 * dataMib, runs);
            System.out.println("| convert | Kahvem wall | qemu-img wall | ratio | Kahvem CPU | qemu-img CPU | ratio |\n|---|---|---|---|---|---|---|");
            for (String step : steps) measure(dir, step, runs);
        } finally {
            try (var files = Files.list(dir)) {
                for (Path file : files.toList()) Files.delete(file);
            }
            Files.delete(dir);
        }
    }

    private static void measure(Path dir, String step, int runs) throws Exception {
        List<Run> ours = new ArrayList<>();
        List<Run> theirs = new ArrayList<>();
        for (int n = 0; n < runs; n++) {
            theirs.add(run(dir, "qemu-img", step));
            ours.add(run(dir, ROOT.resolve("kahvem") + " image", step));
            compare(dir);
        }
        double wall = median(ours, true);
        double theirWall = median(theirs, true);
        double cpu = median(ours, false);
        double theirCpu = median(theirs, false);
        System.out.printf(Locale.ROOT, "| `%s` | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |%n",
                step.replaceAll(" \\S+ out$", ""), wall, theirWall, wall / theirWall, cpu, theirCpu, cpu / theirCpu);
    }

    private static double median(List<Run> runs, boolean wall) {
        double[] all = runs.stream().mapToDouble(run -> wall ? run.wall : run.cpu).sorted().toArray();
        return all[all.length / 2];
    }

    /// One conversion by bash's `time`, which knows what children took.
    private static Run run(Path dir, String program, String step) throws IOException, InterruptedException {
        Files.deleteIfExists(dir.resolve("out"));
        String command = "TIMEFORMAT='%R %U %S'; time " + program + " convert " + step + " > /dev/null";
        Process process = new ProcessBuilder("bash", "-c", command).directory(dir.toFile()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes()).strip();
        if (!process.waitFor(10, TimeUnit.MINUTES) || process.exitValue() != 0) throw new IOException(command + ": " + said);
        String[] words = said.substring(said.lastIndexOf('\n') + 1).split(" ");
        return new Run(Double.parseDouble(words[0]), Double.parseDouble(words[1]) + Double.parseDouble(words[2]));
    }

    /// What came out is what went in.
    private static void compare(Path dir) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("qemu-img", "compare", "-q", "disk.raw", "out").directory(dir.toFile()).start();
        if (process.waitFor() != 0) throw new IOException("the content differs");
    }

    /// Data as disks have them: the JDK's classes, text, and a fifth that does not compress, in pieces of 1 MiB to 32 MiB.
    private static void fill(Path raw, int dataMib) throws IOException {
        byte[] classes = Files.readAllBytes(Path.of(System.getProperty("java.home"), "lib", "modules"));
        Random random = new Random(1);
        try (RandomAccessFile file = new RandomAccessFile(raw.toFile(), "rw")) {
            file.setLength(4L * dataMib * MIB);
            int done = 0;
            long at = 0;
            while (done < dataMib) {
                int piece = Math.min(dataMib - done, 1 + random.nextInt(32));
                file.seek(at * MIB);
                for (int n = 0; n < piece; n++) {
                    int from = random.nextInt(classes.length - MIB);
                    byte[] part = Arrays.copyOfRange(classes, from, from + MIB);
                    if (random.nextInt(5) == 0) random.nextBytes(part);
                    file.write(part);
                }
                done += piece;
                at += 4L * piece;
            }
        }
    }
}
