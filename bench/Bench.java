import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Side-by-side runs of Kahvem and QEMU TCG on the same guest, interleaved, as tables in Markdown.
///
/// ```
/// bench/run engine [SECONDS]       kbench, smp and boot one after the other, with the targets; 5 seconds a test, 9 boots
/// bench/run boot [RUNS]            process start to exit of task=hello, one vCPU, 512 MiB
/// bench/run kbench [SECONDS]       every kbench row on both, and the check values compared
/// bench/run smp [SECONDS]          kbench int.* in four processes on four vCPUs, over one process on the same machine
/// bench/run mips [SECONDS]         the engine's own instruction counter over kbench int.*
/// bench/run start [RUNS]           what the launcher and the program take over a bare JVM
/// bench/run idle [SECONDS]         host CPU and resident memory of a guest that waits at its shell
/// ```
///
/// Needs the guests (`guest-tests/guests/make-guests`, whose directory is the GUESTS environment variable) and `qemu-system-x86_64`.
public final class Bench {
    private static final Path ROOT = Path.of(System.getProperty("kahvem.root"));
    private static final Path GUESTS = Path.of(System.getProperty("kahvem.guests"));
    private static final String INT_TESTS = "int.sha256,int.sort,int.hash,int.fib,int.bytecode";
    private static final Map<String, Double> GROUP_TARGETS = Map.of("int.*", 1.5, "mem.*", 1.0, "fp.*", 3.0, "sys.*", 1.0);
    private static final Pattern ROW = Pattern.compile("kbench (\\S+)\\s+([0-9.]+) ([0-9a-f]{16})");
    private static final Pattern STATS = Pattern.compile("([0-9,]+) instructions");

    private Bench() {}

    record Run(double seconds, String out, String err, int status) {}

    record Row(double rate, String check) {}

    public static void main(String[] args) throws Exception {
        String what = args.length > 0 ? args[0] : "";
        int number = args.length > 1 ? Integer.parseInt(args[1]) : 5;
        switch (what) {
            case "engine" -> {
                kbench(number);
                smp(number);
                boot(9);
            }
            case "boot" -> boot(number);
            case "smp" -> smp(number);
            case "kbench" -> kbench(number);
            case "mips" -> mips(number);
            case "start" -> start(number);
            case "idle" -> idle(number);
            default -> {
                System.err.println("usage: bench/run engine [SECONDS] | boot [RUNS] | kbench [SECONDS] | smp [SECONDS] | mips [SECONDS] | start [RUNS]"
                        + " | idle [SECONDS]");
                System.exit(2);
            }
        }
    }

    private static void boot(int runs) throws Exception {
        header("Boot to power-off, `task=hello`, seconds of wall time, median (min - max) of " + runs + " interleaved runs");
        System.out.println("| kernel command line | Kahvem | QEMU TCG | ratio of medians | target |\n|---|---|---|---|---|");
        for (String extra : List.of("", " cryptomgr.notests")) {
            String append = "console=ttyS0 quiet task=hello" + extra;
            double target = extra.isEmpty() ? 1.0 : 1.2;
            kahvem(append); // fills the host's page cache, and makes the AOT cache where there is none
            double[] ours = new double[runs];
            double[] theirs = new double[runs];
            for (int i = 0; i < runs; i++) {
                ours[i] = expect(kahvem(append), "HELLO-FROM-GUEST").seconds;
                theirs[i] = expect(qemu(append), "HELLO-FROM-GUEST").seconds;
            }
            double ratio = median(ours) / median(theirs);
            System.out.printf(Locale.ROOT, "| `%s` | %s | %s | %.2f | at most %.1f: %s |%n", append, spread(ours), spread(theirs), ratio, target,
                    met(ratio <= target));
        }
    }

    private static void kbench(int seconds) throws Exception {
        header("kbench, units a second, " + seconds + " s a test, one vCPU");
        String append = "console=ttyS0 quiet task=bench bench=" + seconds;
        Map<String, Row> ours = rows(expect(kahvem(append), "kbench done").out);
        Map<String, Row> theirs = rows(expect(qemu(append), "kbench done").out);
        System.out.println("| test | Kahvem | QEMU TCG | Kahvem/TCG | target | same result |\n|---|---|---|---|---|---|");
        Map<String, List<Double>> groups = new LinkedHashMap<>();
        for (var e : theirs.entrySet()) {
            Row row = ours.get(e.getKey());
            double ratio = row.rate / e.getValue().rate;
            groups.computeIfAbsent(e.getKey().replaceAll("\\..*", ".*"), group -> new ArrayList<>()).add(ratio);
            System.out.printf(Locale.ROOT, "| %s | %.1f | %.1f | %.2f | 1.0: %s | %s |%n", e.getKey(), row.rate, e.getValue().rate,
                    ratio, met(ratio >= 1), row.check.equals(e.getValue().check) ? "yes" : "NO");
        }
        groups.forEach((group, ratios) -> {
            double mean = geometricMean(ratios);
            double target = GROUP_TARGETS.get(group);
            System.out.printf(Locale.ROOT, "| %s, geometric mean | | | %.2f | %.1f: %s | |%n", group, mean, target, met(mean >= target));
        });
    }

    /// What four processes do at a time over what one does: the sum of their rates over its rate, geometric mean of the tests.
    private static void smp(int seconds) throws Exception {
        header("kbench int.* in four processes over one process, on one machine of four vCPUs, " + seconds + " s a test");
        String one = "for,i,in,1,2,3,4;do,kbench," + seconds + "," + INT_TESTS + "&,done;wait";
        String append = "console=ttyS0 quiet task=sh cmd=kbench," + seconds + "," + INT_TESTS + ";" + one;
        double ours = gain(expect(kahvem(append, "--cpus", "4"), "guest: exit 0").out);
        double theirs = gain(expect(qemu(append, "-smp", "4"), "guest: exit 0").out);
        System.out.println("| Kahvem | QEMU TCG | Kahvem/TCG | target |\n|---|---|---|---|");
        System.out.printf(Locale.ROOT, "| %.2f | %.2f | %.2f | 0.95: %s |%n", ours, theirs, ours / theirs, met(ours >= 0.95 * theirs));
    }

    private static double gain(String out) {
        Map<String, List<Double>> rates = new LinkedHashMap<>();
        Matcher m = ROW.matcher(out);
        while (m.find()) rates.computeIfAbsent(m.group(1), test -> new ArrayList<>()).add(Double.parseDouble(m.group(2)));
        return geometricMean(rates.values().stream()
                .map(all -> all.subList(1, all.size()).stream().mapToDouble(Double::doubleValue).sum() / all.getFirst())
                .toList());
    }

    private static double geometricMean(List<Double> values) {
        return Math.exp(values.stream().mapToDouble(Math::log).average().orElseThrow());
    }

    private static String met(boolean met) {
        return met ? "met" : "not met";
    }

    private static void mips(int seconds) throws Exception {
        header("Instructions a second of the interpreter over kbench int.*, by its own counter");
        Run boot = expect(kahvem("console=ttyS0 quiet task=hello"), "HELLO-FROM-GUEST");
        Run bench = expect(kahvem("console=ttyS0 quiet task=bench bench=" + seconds + "," + INT_TESTS), "kbench done");
        double instructions = instructions(bench) - instructions(boot);
        double wall = bench.seconds - boot.seconds;
        System.out.printf(Locale.ROOT, "%.0f million instructions in %.2f s beyond the boot: **%.0f MIPS**%n", instructions / 1e6, wall, instructions / 1e6 / wall);
    }

    private static void start(int runs) throws Exception {
        header("Start, seconds of wall time, median (min - max) of " + runs + " interleaved runs");
        List<String> bare = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-version");
        List<String> version = List.of(ROOT.resolve("kahvem").toString(), "--version");
        time(version); // builds, where there is no build
        double[] theirs = new double[runs];
        double[] ours = new double[runs];
        for (int i = 0; i < runs; i++) {
            theirs[i] = time(bare).seconds;
            ours[i] = time(version).seconds;
        }
        System.out.printf(Locale.ROOT, "| `java -version` | `kahvem --version` |%n|---|---|%n| %s | %s |%n", spread(theirs), spread(ours));
    }

    private static void idle(int seconds) throws Exception {
        header("A guest that waits at its shell");
        Process p = start(kahvemCommand("console=ttyS0 quiet"));
        try (InputStream out = p.getInputStream()) {
            StringBuilder seen = new StringBuilder();
            while (seen.indexOf("GUEST-READY") < 0) {
                int b = out.read();
                if (b < 0) throw new IllegalStateException("the guest ended: " + seen);
                seen.append((char) b);
            }
            TimeUnit.SECONDS.sleep(5);
            double before = cpuSeconds(p.pid());
            long start = System.nanoTime();
            TimeUnit.SECONDS.sleep(seconds);
            double used = cpuSeconds(p.pid()) - before;
            double wall = (System.nanoTime() - start) / 1e9;
            long rss = 0;
            for (String line : Files.readAllLines(Path.of("/proc/" + p.pid() + "/status"))) {
                if (line.startsWith("VmRSS:")) rss = Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
            }
            System.out.printf(Locale.ROOT, "host CPU %.2f %% of a core over %.0f s; resident %d MiB%n", 100 * used / wall, wall, rss);
        } finally {
            p.destroy();
            p.waitFor();
        }
    }

    private static double cpuSeconds(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
    }

    private static double instructions(Run run) {
        Matcher m = STATS.matcher(run.err);
        double sum = 0;
        while (m.find()) sum = Math.max(sum, Double.parseDouble(m.group(1).replace(",", "")));
        if (sum == 0) throw new IllegalStateException("no instruction count in: " + run.err);
        return sum;
    }

    private static List<String> kahvemCommand(String append, String... more) {
        List<String> command = new ArrayList<>(List.of(ROOT.resolve("kahvem").toString(), "run", "--accel", "jvm", "--stats", "--kernel", GUESTS.resolve("vmlinuz").toString(),
                "--initrd", GUESTS.resolve("initrd.gz").toString(), "--append", append, "--memory", "512M"));
        command.addAll(List.of(more));
        return command;
    }

    private static Run kahvem(String append, String... more) throws Exception {
        return time(kahvemCommand(append, more));
    }

    private static Run qemu(String append, String... more) throws Exception {
        List<String> command = new ArrayList<>(List.of("qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max", "-m", "512", "-nographic", "-no-reboot", "-nodefaults",
                "-serial", "stdio", "-kernel", GUESTS.resolve("vmlinuz").toString(), "-initrd", GUESTS.resolve("initrd.gz").toString(), "-append", append));
        command.addAll(List.of(more));
        return time(command);
    }

    private static Process start(List<String> command) throws IOException {
        Process p = new ProcessBuilder(command).redirectErrorStream(false).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        p.getOutputStream().close();
        return p;
    }

    private static Run time(List<String> command) throws Exception {
        Path err = Files.createTempFile("bench", ".err");
        try {
            long start = System.nanoTime();
            Process p = new ProcessBuilder(command).redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                    .redirectError(err.toFile()).start();
            String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            int status = p.waitFor();
            return new Run((System.nanoTime() - start) / 1e9, out, Files.readString(err), status);
        } finally {
            Files.delete(err);
        }
    }

    private static Run expect(Run run, String text) {
        if (run.status != 0 || !run.out.contains(text)) {
            throw new IllegalStateException("status " + run.status + ", no \"" + text + "\" in:\n" + run.out + run.err);
        }
        return run;
    }

    private static Map<String, Row> rows(String out) {
        Map<String, Row> rows = new LinkedHashMap<>();
        Matcher m = ROW.matcher(out);
        while (m.find()) rows.put(m.group(1), new Row(Double.parseDouble(m.group(2)), m.group(3)));
        return rows;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    private static String spread(double[] values) {
        Arrays.sort(values);
        return String.format(Locale.ROOT, "%.2f (%.2f - %.2f)", values[values.length / 2], values[0], values[values.length - 1]);
    }

    private static void header(String title) throws IOException {
        List<String> cpu = new ArrayList<>();
        Path info = Path.of("/proc/cpuinfo");
        if (Files.exists(info)) {
            Files.readAllLines(info).stream().filter(l -> l.startsWith("model name")).findFirst().ifPresent(l -> cpu.add(l.replaceAll(".*: ", "")));
        }
        System.out.printf("%s, %s, %s, %d host CPUs, JDK %s%n%n", title, LocalDate.now(), String.join("", cpu), Runtime.getRuntime().availableProcessors(),
                System.getProperty("java.version"));
    }
}
