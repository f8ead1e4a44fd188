package io.kahvem.daemon.operations;

import io.kahvem.daemon.domain.Domain;
import io.kahvem.daemon.rpc.CallObserver;
import java.lang.management.ManagementFactory;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/// Counters and what there is now, in Prometheus' text format (version 0.0.4). Safe from any thread.
public final class Metrics implements CallObserver {
    private static final String[] STATES = {"nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended"};

    private final Map<String, Counter> calls = new ConcurrentHashMap<>();
    private final IntSupplier clients;
    private final Supplier<Collection<Domain>> domains;

    /// @param clients how many are connected
    /// @param domains all machines
    public Metrics(IntSupplier clients, Supplier<Collection<Domain>> domains) {
        this.clients = clients;
        this.domains = domains;
    }

    private static final class Counter {
        private final LongAdder done = new LongAdder();
        private final LongAdder failed = new LongAdder();
        private final LongAdder nanos = new LongAdder();
    }

    @Override
    public void done(Done call) {
        Counter counter = calls.computeIfAbsent(call.procedure().api(), api -> new Counter());
        counter.done.increment();
        if (call.error() != null) counter.failed.increment();
        counter.nanos.add(call.nanos());
    }

    public String print() {
        StringBuilder out = new StringBuilder();
        head(out, "kahvem_calls_total", "counter", "Calls that were answered, by libvirt's name of the function.");
        Map<String, Counter> sorted = new TreeMap<>(calls);
        sorted.forEach((api, counter) -> line(out, "kahvem_calls_total", "call", api, counter.done.sum()));
        head(out, "kahvem_calls_failed_total", "counter", "Those that were answered with an error.");
        sorted.forEach((api, counter) -> line(out, "kahvem_calls_failed_total", "call", api, counter.failed.sum()));
        head(out, "kahvem_calls_seconds_total", "counter", "Time spent on them.");
        sorted.forEach((api, counter) -> line(out, "kahvem_calls_seconds_total", "call", api, counter.nanos.sum() / 1e9));
        head(out, "kahvem_clients", "gauge", "Connections.");
        line(out, "kahvem_clients", clients.getAsInt());
        domains(out);
        head(out, "kahvem_heap_bytes", "gauge", "What the daemon's Java heap holds.");
        line(out, "kahvem_heap_bytes", ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        head(out, "kahvem_start_time_seconds", "gauge", "When the daemon was started, in seconds since 1970.");
        line(out, "kahvem_start_time_seconds", ManagementFactory.getRuntimeMXBean().getStartTime() / 1000);
        return out.toString();
    }

    private void domains(StringBuilder out) {
        long[] counts = new long[STATES.length];
        for (Domain domain : domains.get()) counts[domain.state().state()]++;
        head(out, "kahvem_domains", "gauge", "Machines, by virsh's word for how they are.");
        for (int state = 0; state < STATES.length; state++) line(out, "kahvem_domains", "state", STATES[state], counts[state]);
    }

    private static void head(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append("\n# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void line(StringBuilder out, String name, String label, String value, Number number) {
        out.append(name).append('{').append(label).append("=\"").append(value).append("\"} ").append(number).append('\n');
    }

    private static void line(StringBuilder out, String name, Number number) {
        out.append(name).append(' ').append(number).append('\n');
    }
}
