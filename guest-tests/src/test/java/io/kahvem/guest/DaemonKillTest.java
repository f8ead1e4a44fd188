package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.ConnectionLostException;
import io.kahvem.libvirt.Domain;
import io.kahvem.libvirt.InvalidStateException;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.NotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The daemon killed at random moments while clients define, start, stop and undefine machines: each of these is done or is not, and
/// nothing is left over. More by `-Dtest.more="-Dkahvem.kill.operations=1000 -Dkahvem.kill.seed=N"`.
final class DaemonKillTest {
    private static final int CLIENTS = 8;
    private static final int OPERATIONS = Integer.getInteger("kahvem.kill.operations", 96);
    private static final String DOMAIN = """
            <domain type='qemu'><name>%s</name><memory unit='MiB'>16</memory>
            <os><type machine='q35'>hvm</type><kernel>%s</kernel></os><devices/></domain>
            """;

    @TempDir
    Path directory;

    private final Random random = seeded();
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private volatile boolean over;

    private static Random seeded() {
        long seed = Long.getLong("kahvem.kill.seed", System.nanoTime() & 0xffff_ffffL);
        System.out.println("DaemonKillTest: -Dkahvem.kill.seed=" + seed);
        return new Random(seed);
    }

    /// How a machine may stand, as far as its only client knows: one way, or, after a call that was cut off, one of two.
    private enum Standing { ABSENT, DEFINED, RUNNING }

    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void everyCallIsDoneOrNotAndNothingIsLeftOver() throws Exception {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/cmdline")), "no /proc here, where the machines' processes are looked for");
        Path kernel = new Payload().haltForEver().in(directory);
        List<Map<String, TreeSet<Standing>>> known = new ArrayList<>();
        Guest daemon = daemon();
        int kills = 0;
        try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            List<Future<Map<String, TreeSet<Standing>>>> running = new ArrayList<>();
            for (int n = 0; n < CLIENTS; n++) {
                int client = n;
                long seed = random.nextLong();
                running.add(clients.submit(() -> new Worker(client, new Random(seed), kernel).work()));
            }
            while (running.stream().anyMatch(each -> !each.isDone())) {
                Thread.sleep(200 + random.nextInt(1800));
                daemon.kill();
                kills++;
                daemon = daemon();
            }
            over = true;
            for (Future<Map<String, TreeSet<Standing>>> each : running) known.add(each.get());
            System.out.printf("DaemonKillTest: %d operations, %d kills, %d calls cut off%n", done.get(), kills, lost.get());
            assertThat(kills).isPositive();
            check(known);
        } finally {
            over = true;
            daemon.close();
            machines().forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
        }
    }

    private Guest daemon() {
        Guest daemon = Guest.start("daemon", "--socket", directory.resolve("sock"), "--state", directory.resolve("state"));
        daemon.awaitError("the daemon listens on");
        return daemon;
    }

    private Connection connect() {
        return Connection.open("qemu:///system?socket=" + directory.resolve("sock"));
    }

    /// The processes that serve a control socket of this test's daemon.
    private List<Long> machines() {
        String argument = "--qmp=unix:" + directory.resolve("state/run");
        return ProcessHandle.allProcesses().map(ProcessHandle::pid).filter(pid -> {
            try {
                return Files.readString(Path.of("/proc/%d/cmdline".formatted(pid)), ISO_8859_1).contains(argument);
            } catch (IOException ended) {
                return false;
            }
        }).toList();
    }

    private void check(List<Map<String, TreeSet<Standing>>> known) throws IOException {
        try (Connection connection = connect()) {
            Map<String, Domain> listed = new HashMap<>();
            for (Domain domain : connection.domains()) listed.put(domain.name(), domain);
            int running = 0;
            for (Map<String, TreeSet<Standing>> client : known) {
                for (Map.Entry<String, TreeSet<Standing>> each : client.entrySet()) {
                    Optional<Domain> domain = Optional.ofNullable(listed.remove(each.getKey()));
                    Standing is = domain.map(DaemonKillTest::standing).orElse(Standing.ABSENT);
                    assertThat(each.getValue()).as(each.getKey()).contains(is);
                    if (is == Standing.RUNNING) running++;
                }
            }
            assertThat(listed).as("machines that nobody defined").isEmpty();
            assertThat(machines()).as("processes of running machines").hasSize(running);
            assertThat(files("state/run", ".qmp")).as("control sockets").hasSize(running);
            for (Domain domain : connection.domains()) {
                if (domain.isActive()) domain.destroy();
                domain.undefine();
            }
            assertThat(connection.domains()).isEmpty();
        }
        assertThat(machines()).isEmpty();
        assertThat(files("state", ".xml", ".new", ".broken", ".qmp")).isEmpty();
    }

    private static Standing standing(Domain domain) {
        if (!domain.isActive()) return Standing.DEFINED;
        assertThat(domain.state()).isEqualTo(Domain.State.RUNNING);
        return Standing.RUNNING;
    }

    private List<Path> files(String below, String... ends) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve(below))) {
            return files.filter(file -> Stream.of(ends).anyMatch(file.toString()::endsWith)).toList();
        }
    }

    /// One client with machines of its own.
    private final class Worker {
        private final Random random;
        private final Path kernel;
        private final Map<String, TreeSet<Standing>> known = new HashMap<>();
        private final List<String> names = new ArrayList<>();
        private Connection connection;

        Worker(int number, Random random, Path kernel) throws InterruptedException {
            this.random = random;
            this.kernel = kernel;
            for (int n = 0; n < 2; n++) {
                names.add("m%d-%d".formatted(number, n));
                known.put(names.getLast(), new TreeSet<>(List.of(Standing.ABSENT)));
            }
            connection = connectInTheEnd();
        }

        Map<String, TreeSet<Standing>> work() throws InterruptedException {
            for (int n = 0; n < OPERATIONS / CLIENTS && !over; n++) {
                String name = names.get(random.nextInt(names.size()));
                Standing from = standing(name);
                Standing to = random.nextInt(3) == 0 ? Standing.values()[random.nextInt(3)] : next(from);
                step(name, from, to);
                done.incrementAndGet();
            }
            connection.close();
            return known;
        }

        private static Standing next(Standing from) {
            return from == Standing.RUNNING ? Standing.DEFINED : Standing.values()[from.ordinal() + 1];
        }

        /// What it is now; the daemon is asked, and must say what is possible.
        private Standing standing(String name) throws InterruptedException {
            while (true) {
                try {
                    Standing is = DaemonKillTest.standing(connection.domain(name));
                    return settle(name, is);
                } catch (NotFoundException e) {
                    return settle(name, Standing.ABSENT);
                } catch (ConnectionLostException e) {
                    reconnect();
                }
            }
        }

        private Standing settle(String name, Standing is) {
            assertThat(known.get(name)).as(name).contains(is);
            known.put(name, new TreeSet<>(List.of(is)));
            return is;
        }

        private void step(String name, Standing from, Standing to) throws InterruptedException {
            if (from == to) return;
            // A call at a time: from absent to running are two.
            Standing reached = Standing.values()[from.ordinal() + (from.ordinal() < to.ordinal() ? 1 : -1)];
            try {
                switch (reached) {
                    case ABSENT -> connection.domain(name).undefine();
                    case DEFINED -> {
                        if (from == Standing.ABSENT) connection.define(DOMAIN.formatted(name, kernel));
                        else connection.domain(name).destroy();
                    }
                    case RUNNING -> connection.domain(name).start();
                }
                known.put(name, new TreeSet<>(List.of(reached)));
            } catch (ConnectionLostException e) {
                lost.incrementAndGet();
                known.put(name, new TreeSet<>(List.of(from, reached)));
                reconnect();
            } catch (InvalidStateException e) {
                throw new AssertionError("%s from %s to %s".formatted(name, from, reached), e);
            }
        }

        private void reconnect() throws InterruptedException {
            connection.close();
            connection = connectInTheEnd();
        }

        /// The daemon may be killed at any moment, this one too.
        private Connection connectInTheEnd() throws InterruptedException {
            while (true) {
                try {
                    return connect();
                } catch (LibvirtException | UncheckedIOException notYet) {
                    Thread.sleep(50);
                }
            }
        }
    }
}
