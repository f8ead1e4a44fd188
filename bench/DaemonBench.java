import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.Domain;
import io.kahvem.libvirt.LibvirtException;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// The daemon beside a real libvirtd on this host: `bench/run daemon [ROUNDS [connect|call|define|list|start|restart ...]]`. Both run all the time, and every figure is taken of one and then of the other,
/// so that what else the host does falls on both. They are asked by the same client (module libvirt) and the same virsh; machines are of type qemu with 64 MiB
/// and a kernel that halts.
final class DaemonBench {
    private static final String DOMAIN = """
            <domain type='qemu'><name>%s</name><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type><kernel>%s</kernel></os><devices/></domain>
            """;
    private static final Path ROOT = Path.of(System.getProperty("kahvem.root"));
    private static final int MANY = 1000;

    /// A daemon to be measured: how it is started, and where it listens.
    private record Peer(String name, Path directory, List<String> command, Path socket) {
        static List<Peer> both(Path directory) throws IOException {
            Path ours = Files.createDirectories(directory.resolve("Kahvem"));
            Path theirs = Files.createDirectories(directory.resolve("libvirtd"));
            List<String> daemon = List.of(ROOT.resolve("kahvem").toString(), "daemon", "--socket", ours.resolve("sock").toString(), "--state",
                    ours.resolve("state").toString());
            return List.of(new Peer("Kahvem", ours, daemon, ours.resolve("sock")),
                    new Peer("libvirtd", theirs, List.of(ROOT.resolve("bench/libvirtd").toString(), theirs.toString()), theirs.resolve("sock/libvirt-sock")));
        }

        String uri() {
            return "qemu:///system?socket=" + socket;
        }

        Process start() throws IOException {
            File log = directory.resolve("out").toFile();
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log)).start();
        }

        Connection connect() throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (true) {
                try {
                    return Connection.open(uri());
                } catch (LibvirtException notYet) {
                    if (System.nanoTime() > end) throw notYet;
                    Thread.sleep(2);
                }
            }
        }

        int virsh(String... arguments) throws IOException, InterruptedException {
            List<String> all = new ArrayList<>(List.of("virsh", "-c", uri()));
            all.addAll(List.of(arguments));
            Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
            int lines = new String(process.getInputStream().readAllBytes()).split("\n").length;
            if (process.waitFor() != 0) throw new IOException(all + " failed");
            return lines;
        }
    }

    /// What is measured: the figures of each peer, in order.
    private final Map<String, Map<String, List<Double>>> figures = new LinkedHashMap<>();
    private final Path kernel;
    private final List<String> rows;

    /// @param rows which to take
    private DaemonBench(Path kernel, List<String> rows) {
        this.kernel = kernel;
        this.rows = rows;
    }

    public static void main(String[] args) throws Exception {
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 3;
        Path directory = Files.createTempDirectory("kahvem-bench");
        List<String> rows = args.length > 2 ? List.of(args).subList(2, args.length) : List.of("connect", "call", "define", "list", "start", "restart");
        DaemonBench bench = new DaemonBench(kernel(directory), rows);
        try {
            for (int round = 0; round < rounds; round++) {
                System.err.printf("round %d%n", round + 1);
                bench.measure(Files.createDirectories(directory.resolve("round" + round)));
            }
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                files.sorted((a, b) -> b.compareTo(a)).forEach(file -> file.toFile().delete());
            }
        }
        bench.print(rounds);
    }

    /// A Multiboot kernel: cli; hlt; jmp to hlt.
    private static Path kernel(Path directory) throws IOException {
        ByteBuffer file = ByteBuffer.allocate(48).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0x1bad_b002).putInt(1 << 16).putInt(-(0x1bad_b002 + (1 << 16)));
        file.putInt(0x10_0000).putInt(0x10_0000).putInt(0).putInt(0).putInt(0x10_0020);
        file.put(new byte[] {(byte) 0xfa, (byte) 0xf4, (byte) 0xeb, (byte) 0xfd});
        return Files.write(directory.resolve("kernel"), file.array());
    }

    private interface Step {
        void run() throws Exception;
    }

    private void took(Peer peer, String figure, Step step) throws Exception {
        long begin = System.nanoTime();
        step.run();
        add(peer, figure, (System.nanoTime() - begin) / 1e6);
    }

    private void add(Peer peer, String figure, double value) {
        System.err.printf(Locale.ROOT, "  %s: %s: %.2f%n", figure, peer.name(), value);
        figures.computeIfAbsent(figure, f -> new LinkedHashMap<>()).computeIfAbsent(peer.name(), p -> new ArrayList<>()).add(value);
    }

    private void measure(Path directory) throws Exception {
        Map<Peer, Process> daemons = new LinkedHashMap<>();
        try {
            for (Peer peer : Peer.both(directory)) {
                daemons.put(peer, peer.start());
                peer.connect().close();
            }
            Thread.sleep(3000);
            for (Peer peer : daemons.keySet()) add(peer, "resident memory, idle, MiB", residentMib(daemons.get(peer)));
            if (rows.contains("connect")) connect(daemons.keySet());
            Map<Peer, Connection> connections = new LinkedHashMap<>();
            for (Peer peer : daemons.keySet()) connections.put(peer, peer.connect());
            if (rows.contains("call")) call(connections);
            if (rows.contains("define")) define(connections);
            if (rows.contains("list")) list(connections);
            if (rows.contains("start")) start(connections);
            connections.values().forEach(Connection::close);
            if (rows.contains("restart")) restart(daemons);
            for (Peer peer : daemons.keySet()) add(peer, "resident memory at the end, MiB", residentMib(daemons.get(peer)));
        } finally {
            for (Peer peer : daemons.keySet()) end(peer, daemons.get(peer));
        }
    }

    private static void end(Peer peer, Process daemon) throws Exception {
        try (Connection connection = peer.connect()) {
            for (Domain domain : connection.domains()) if (domain.isActive()) domain.destroy();
        } catch (LibvirtException e) {
            System.err.println(Files.readString(peer.directory().resolve("out")));
        }
        daemon.destroy();
        if (!daemon.waitFor(10, TimeUnit.SECONDS)) daemon.destroyForcibly();
    }

    private void connect(Iterable<Peer> peers) throws Exception {
        for (int n = 0; n < 100; n++) for (Peer peer : peers) peer.connect().close();
        for (int n = 0; n < 40; n++) for (Peer peer : peers) took(peer, "connect, ms", () -> peer.connect().close());
    }

    private void call(Map<Peer, Connection> connections) throws Exception {
        int calls = 10_000;
        for (int turn = 0; turn < 6; turn++) {
            for (Peer peer : connections.keySet()) {
                Connection connection = connections.get(peer);
                long begin = System.nanoTime();
                List<Thread> threads = new ArrayList<>();
                for (int t = 0; t < 5; t++) {
                    threads.add(Thread.startVirtualThread(() -> {
                        for (int n = 0; n < calls / 5; n++) connection.libraryVersion();
                    }));
                }
                for (Thread thread : threads) thread.join();
                if (turn > 0) add(peer, "calls, 5 under way, 1/s", calls / ((System.nanoTime() - begin) / 1e9));
            }
        }
    }

    private void define(Map<Peer, Connection> connections) {
        for (int turn = 0; turn < 7; turn++) {
            for (Peer peer : connections.keySet()) {
                long begin = System.nanoTime();
                for (int n = 0; n < 100; n++) connections.get(peer).define(DOMAIN.formatted("once" + n, kernel)).undefine();
                if (turn > 1) add(peer, "define and undefine, 1/s", 100 / ((System.nanoTime() - begin) / 1e9));
            }
        }
    }

    private void list(Map<Peer, Connection> connections) throws Exception {
        define(connections, 0, 50);
        virsh(connections, 20, "domstats, 50 defined", "domstats");
        define(connections, 50, MANY);
        virsh(connections, 10, "list --all, 1,000 defined", "list", "--all");
        for (Connection connection : connections.values()) for (Domain domain : connection.domains()) domain.undefine();
    }

    /// The first call, which a daemon that has just started answers slower, and those after a warm-up.
    private void virsh(Map<Peer, Connection> connections, int times, String what, String... arguments) throws Exception {
        for (Peer peer : connections.keySet()) took(peer, "virsh " + what + ", the first, ms", () -> peer.virsh(arguments));
        for (int n = 0; n < times; n++) for (Peer peer : connections.keySet()) peer.virsh(arguments);
        for (int n = 0; n < times; n++) {
            for (Peer peer : connections.keySet()) took(peer, "virsh " + what + ", ms", () -> peer.virsh(arguments));
        }
    }

    private void define(Map<Peer, Connection> connections, int from, int to) {
        for (Connection connection : connections.values()) {
            for (int n = from; n < to; n++) connection.define(DOMAIN.formatted("many" + n, kernel));
        }
    }

    private void start(Map<Peer, Connection> connections) throws Exception {
        for (int n = 0; n < 7; n++) {
            for (Peer peer : connections.keySet()) {
                Domain domain = connections.get(peer).define(DOMAIN.formatted("runs", kernel));
                took(peer, "start to running, ms", () -> {
                    domain.start();
                    if (domain.state() != Domain.State.RUNNING) throw new IOException(domain.state().toString());
                });
                Thread.sleep(500);
                took(peer, "destroy, ms", domain::destroy);
                domain.undefine();
            }
        }
    }

    private void restart(Map<Peer, Process> daemons) throws Exception {
        for (Peer peer : daemons.keySet()) {
            try (Connection connection = peer.connect()) {
                for (int n = 0; n < 100; n++) {
                    Domain domain = connection.define(DOMAIN.formatted("kept" + n, kernel));
                    if (n < 10) domain.start();
                }
            }
        }
        for (int turn = 0; turn < 5; turn++) {
            for (Peer peer : daemons.keySet()) {
                daemons.get(peer).destroyForcibly().waitFor();
                long begin = System.nanoTime();
                daemons.put(peer, peer.start());
                while (true) {
                    try (Connection connection = peer.connect()) {
                        long running = connection.domains().stream().filter(Domain::isActive).count();
                        if (running == 10) break;
                    }
                    Thread.sleep(2);
                }
                add(peer, "restart, 100 defined, 10 running, ms", (System.nanoTime() - begin) / 1e6);
                Thread.sleep(1000);
            }
        }
    }

    private static double residentMib(Process daemon) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/%d/status".formatted(daemon.pid())))) {
            if (line.startsWith("VmRSS:")) return Integer.parseInt(line.replaceAll("\\D", "")) / 1024.0;
        }
        throw new IOException("no VmRSS");
    }

    private void print(int rounds) {
        System.out.printf("## %s%n%n`bench/run daemon %d`: medians (min - max).%n%n", LocalDate.now(), rounds);
        System.out.println("| figure | Kahvem | libvirtd 9.0 | Kahvem is |\n|---|---:|---:|---|");
        figures.forEach((figure, peers) -> {
            double[] ours = sorted(peers.get("Kahvem"));
            double[] theirs = sorted(peers.get("libvirtd"));
            double ratio = figure.endsWith("1/s") ? median(ours) / median(theirs) : median(theirs) / median(ours);
            String verdict = figure.startsWith("resident") ? String.format(Locale.ROOT, "%.2f x as much", 1 / ratio) : String.format(Locale.ROOT, "%.2f x as fast", ratio);
            System.out.printf(Locale.ROOT, "| %s | %s | %s | %s |%n", figure, show(ours), show(theirs), verdict);
        });
    }

    private static double[] sorted(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    }

    private static double median(double[] values) {
        return values[values.length / 2];
    }

    private static String show(double[] values) {
        String form = values[values.length - 1] >= 100 ? "%.0f" : "%.2f";
        if (values.length == 1) return String.format(Locale.ROOT, form, values[0]);
        return Stream.of(median(values), values[0], values[values.length - 1]).map(v -> String.format(Locale.ROOT, form, v))
                .reduce((a, b) -> a.contains("(") ? a + " - " + b : a + " (" + b).orElseThrow() + ")";
    }
}
