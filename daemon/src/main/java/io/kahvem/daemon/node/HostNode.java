package io.kahvem.daemon.node;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The host's processors and memory.
public final class HostNode {
    private static final String CPUS = "sys/devices/system/cpu";

    private final HostFiles files;

    public HostNode(HostFiles files) {
        this.files = files;
    }

    HostFiles files() {
        return files;
    }

    public String hostname() {
        return files.text("proc/sys/kernel/hostname").filter(name -> !name.isEmpty()).orElseGet(() -> {
            try {
                return InetAddress.getLocalHost().getHostName();
            } catch (UnknownHostException e) {
                return "localhost";
            }
        });
    }

    /// One processor of the host.
    public record Cpu(int id, int socket, int die, int core, String siblings) {}

    /// Those that are there, by number.
    public List<Cpu> cpus() {
        List<Cpu> cpus = new ArrayList<>();
        for (int id : range(files.text(CPUS + "/online").orElse(""))) {
            String topology = CPUS + "/cpu" + id + "/topology/";
            cpus.add(new Cpu(id, number(topology + "physical_package_id"), number(topology + "die_id"), number(topology + "core_id"),
                    files.text(topology + "thread_siblings_list").orElse(String.valueOf(id))));
        }
        if (cpus.isEmpty()) {
            for (int id = 0; id < Runtime.getRuntime().availableProcessors(); id++) cpus.add(new Cpu(id, 0, 0, id, String.valueOf(id)));
        }
        return cpus;
    }

    private int number(String file) {
        try {
            return Math.max(0, Integer.parseInt(files.text(file).orElse("0")));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /// How the processors sit: a node's sockets, a socket's cores, a core's threads. Where they do not come out even, all are cores of one
    /// socket, as libvirt says it.
    public record Topology(int sockets, int cores, int threads) {}

    public Topology topology() {
        List<Cpu> cpus = cpus();
        Set<Integer> sockets = new HashSet<>();
        Map<String, Integer> threads = new LinkedHashMap<>();
        for (Cpu cpu : cpus) {
            sockets.add(cpu.socket());
            threads.merge(cpu.socket() + "/" + cpu.die() + "/" + cpu.core(), 1, Integer::sum);
        }
        int perCore = threads.values().stream().mapToInt(n -> n).max().orElse(1);
        int cores = threads.size() / sockets.size();
        if (sockets.size() * cores * perCore != cpus.size()) return new Topology(1, cpus.size(), 1);
        return new Topology(sockets.size(), cores, perCore);
    }

    /// A value of /proc/meminfo, in KiB.
    public long memoryKib(String key) {
        for (String line : files.lines("proc/meminfo")) {
            if (line.startsWith(key + ":")) return Long.parseLong(line.replaceAll("\\D+", ""));
        }
        return 0;
    }

    /// The free pages of a size that the host has, in KiB.
    public Optional<Long> hugePages(int sizeKib) {
        return files.text("sys/kernel/mm/hugepages/hugepages-%dkB/free_hugepages".formatted(sizeKib)).map(Long::valueOf);
    }

    public int mhz() {
        for (String line : files.lines("proc/cpuinfo")) {
            if (line.startsWith("cpu MHz")) return (int) Math.round(Double.parseDouble(line.substring(line.indexOf(':') + 1).strip()));
        }
        return 0;
    }

    /// The first value of a key in /proc/cpuinfo.
    public String cpuinfo(String key) {
        for (String line : files.lines("proc/cpuinfo")) {
            int colon = line.indexOf(':');
            if (colon > 0 && line.substring(0, colon).strip().equals(key)) return line.substring(colon + 1).strip();
        }
        return "";
    }

    /// The numbers of `0-3,8`.
    static List<Integer> range(String text) {
        List<Integer> numbers = new ArrayList<>();
        for (String part : text.split(",")) {
            if (part.isBlank()) continue;
            String[] ends = part.strip().split("-");
            for (int n = Integer.parseInt(ends[0]); n <= Integer.parseInt(ends[ends.length - 1]); n++) numbers.add(n);
        }
        return numbers;
    }

    /// Ticks of a line of /proc/stat, `cpu` for all processors and `cpu0` for one, in nanoseconds: user, kernel, idle, I/O wait.
    public Map<String, Long> cpuTimes(String line) {
        for (String each : files.lines("proc/stat")) {
            String[] words = each.split("\\s+");
            if (!words[0].equals(line)) continue;
            long tick = 10_000_000L; // USER_HZ is 100
            Map<String, Long> times = new LinkedHashMap<>();
            times.put("kernel", (value(words, 3) + value(words, 6) + value(words, 7)) * tick);
            times.put("user", (value(words, 1) + value(words, 2)) * tick);
            times.put("idle", value(words, 4) * tick);
            times.put("iowait", value(words, 5) * tick);
            return times;
        }
        return Map.of();
    }

    private static long value(String[] words, int n) {
        return n < words.length ? Long.parseLong(words[n]) : 0;
    }
}
