package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The daemon, as libvirt's own virsh sees it.
class VirshTest {
    private static final String DOMAIN = """
            <domain type='qemu'><name>outlives</name><memory unit='MiB'>256</memory>
            <os><type machine='q35'>hvm</type><kernel>%s</kernel><initrd>%s</initrd><cmdline>console=ttyS0 quiet</cmdline></os>
            <features><acpi/></features><devices><serial type='pty'/></devices></domain>
            """;

    private static final String LACKING = """
            <domain type='qemu'><name>lacks</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>
            <os><type machine='q35'>hvm</type><kernel>%s</kernel></os>
            <devices><interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices></domain>
            """;
    private static final String LACKS = """
            $ migrate-setmaxdowntime lacks 100
            error: Requested operation is not valid: domain is not running
            $ migrate-getmaxdowntime lacks
            error: Requested operation is not valid: domain is not running
            $ migrate-getspeed lacks
            8796093022207
            $ domiftune lacks 52:54:00:00:00:01
            inbound.average: 0
            inbound.peak   : 0
            inbound.burst  : 0
            inbound.floor  : 0
            outbound.average: 0
            outbound.peak  : 0
            outbound.burst : 0
            $ domiftune lacks vnet9
            error: Unable to get interface parameters
            error: invalid argument: 'vnet9' is not a known interface
            $ domiftune lacks 52:54:00:00:00:01 --inbound 100 --config
            error: Unable to set interface parameters
            error: unsupported configuration: setting bandwidth on interfaces of type 'user' is not implemented yet
            $ setvcpu lacks 1 --enable
            $ setvcpu lacks 1 --disable --config
            $ setvcpu lacks 0 --disable --config
            error: invalid argument: vCPU '0' can't be modified
            $ setvcpu lacks 7 --enable
            error: invalid argument: vcpu 7 is not present in persistent config
            $ setvcpu lacks x --enable
            error: invalid argument: Failed to parse bitmap 'x'
            $ domblkthreshold lacks vda 100
            error: Requested operation is not valid: domain is not running
            $ managedsave-dumpxml lacks
            error: Requested operation is not valid: domain does not have managed save image
            $ iothreadset lacks 1 --poll-max-ns 100
            error: invalid argument: cannot find IOThread '1' in iothreadids
            $ domdirtyrate-calc lacks
            error: Requested operation is not valid: domain is not running
            $ memtune lacks
            hard_limit     : unlimited
            soft_limit     : unlimited
            swap_hard_limit: unlimited
            $ blkiotune lacks --weight 300 --config
            $ blkiotune lacks
            weight         : 300
            device_weight  :
            device_read_iops_sec:
            device_write_iops_sec:
            device_read_bytes_sec:
            device_write_bytes_sec:
            $ schedinfo lacks --set cpu_shares=100 --config
            Scheduler      : posix
            cpu_shares     : 100
            vcpu_period    : 0
            vcpu_quota     : 0
            emulator_period: 0
            emulator_quota : 0
            global_period  : 0
            global_quota   : 0
            iothread_period: 0
            iothread_quota : 0
            """;

    private static final String NOT_YET =
            "network,vnc,agent,blockjobs,snapshots,checkpoints,save,dump,hotplug,cpuhotplug,iothreads,nwfilter,native";
    private static final Pattern SUM = Pattern.compile("(\\d+) passed, \\d+ failed, \\d+ skipped");

    private final TestGuests guests = TestGuests.orSkip();

    @TempDir
    Path directory;

    private Guest daemon() {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/virsh")), "no virsh here: apt-get install libvirt-clients");
        Guest daemon = Guest.start("daemon", "--socket", socket(), "--state", directory.resolve("state"));
        daemon.awaitError("the daemon listens on");
        return daemon;
    }

    private Path socket() {
        return directory.resolve("sock");
    }

    private String uri() {
        return "qemu:///system?socket=" + socket();
    }

    private static String said(List<String> command, long seconds) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(seconds, TimeUnit.SECONDS)).as(said).isTrue();
        return said;
    }

    private String virsh(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("/usr/bin/virsh", "-c", uri()));
        command.addAll(List.of(arguments));
        return said(command, 120).strip();
    }

    @Test
    void machinesOutliveTheDaemonAndAreFoundAgain() throws IOException, InterruptedException {
        Path xml = Files.writeString(directory.resolve("outlives.xml"), DOMAIN.formatted(guests.vmlinuz(), guests.initrd()));
        try (Guest daemon = daemon()) {
            assertThat(virsh("create", xml.toString())).startsWith("Domain 'outlives' created");
            assertThat(confinements()).as("how the machine's process is confined").containsExactly("NoNewPrivs:\t1, Seccomp:\t2");
            daemon.kill();
        }
        try (Guest daemon = daemon()) {
            assertThat(virsh("domstate", "outlives", "--reason")).isEqualTo("running (booted)");
            assertThat(virsh("suspend", "outlives")).isEqualTo("Domain 'outlives' suspended");
            assertThat(virsh("destroy", "outlives")).isEqualTo("Domain 'outlives' destroyed");
            assertThat(virsh("list", "--all", "--name")).isEmpty();
            daemon.kill();
        }
    }

    /// What the kernel says of each process that serves a control socket of this daemon.
    private List<String> confinements() {
        String argument = "--qmp=unix:" + directory;
        return ProcessHandle.allProcesses().map(process -> Path.of("/proc/%d".formatted(process.pid())))
                .filter(process -> read(process.resolve("cmdline")).contains(argument))
                .map(process -> read(process.resolve("status")).lines()
                        .filter(line -> line.startsWith("NoNewPrivs:") || line.startsWith("Seccomp:")).collect(Collectors.joining(", ")))
                .toList();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException ended) {
            return "";
        }
    }

    /// What the machines' processes have said.
    private String machineLogs() throws IOException {
        try (Stream<Path> logs = Files.list(directory.resolve("state/run/log"))) {
            return logs.map(log -> log.getFileName() + ":\n" + read(log)).collect(Collectors.joining("\n"));
        }
    }

    /// All that a life-cycle has, but for what later versions bring. The real libvirtd passes 278 of these cases where virsh is 9.0.
    @Test
    void everyCommandIsAnsweredAsLibvirtdAnswersIt() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "no python3 here, which drives virsh");
        Path script = Guest.launcher().resolveSibling("guest-tests/conformance/virsh_conformance.py");
        try (Guest daemon = daemon()) {
            List<String> command = List.of("python3", script.toString(), "--uri", uri(), "--workdir",
                    directory.resolve("work").toString(), "--kernel", guests.vmlinuz().toString(), "--initrd", guests.initrd().toString(),
                    "--boot-timeout", "240", "--without", NOT_YET);
            String said = said(command, 60);
            Matcher sum = SUM.matcher(said);
            assertThat(sum.find()).as(said).isTrue();
            List<String> failed = said.lines().filter(line -> line.startsWith("FAIL")).toList();
            assertThat(failed).as(daemon.transcript() + machineLogs()).isEmpty();
            assertThat(Integer.parseInt(sum.group(1))).as(said).isGreaterThanOrEqualTo(265);
            System.out.println("VirshTest: " + sum.group());
            daemon.kill();
        }
    }

    /// What machines here do not have, as libvirtd 9.0 answered for a machine that is switched off.
    @Test
    void whatAMachineLacksIsSaidAsLibvirtdSaysIt() throws IOException, InterruptedException {
        Path kernel = new Payload().haltForEver().in(directory);
        Path xml = Files.writeString(directory.resolve("lacks.xml"), LACKING.formatted(kernel));
        List<String> answers;
        try (Guest daemon = daemon()) {
            virsh("define", xml.toString());
            answers = new ArrayList<>();
            for (String line : LACKS.lines().filter(line -> line.startsWith("$ ")).toList()) {
                answers.add(line);
                String said = virsh(line.substring(2).split(" "));
                said.lines().map(String::stripTrailing).filter(each -> !each.isEmpty()).forEach(answers::add);
            }
            virsh("undefine", "lacks");
            daemon.kill();
        }
        assertThat(answers).containsExactlyElementsOf(LACKS.lines().toList());
    }

    /// The life of a machine by the same cases, with `kahvem` in virsh's place.
    @Test
    void kahvemPrintsWhatVirshPrints() throws IOException, InterruptedException {
        Path script = Guest.launcher().resolveSibling("guest-tests/conformance/virsh_conformance.py");
        try (Guest daemon = daemon()) {
            List<String> command = List.of("python3", script.toString(), "--virsh", Guest.launcher().toString(), "--uri", uri(),
                    "--workdir", directory.resolve("work").toString(), "--kernel", guests.vmlinuz().toString(),
                    "--initrd", guests.initrd().toString(), "--boot-timeout", "240", "--without",
                    "network,vnc,agent,blockjobs,snapshots,checkpoints,save,dump,hotplug,cpuhotplug,iothreads,nwfilter,native");
            String said = said(command, 900);
            assertThat(said).doesNotContain("FAIL").containsPattern("2[678]\\d passed, 0 failed");
            daemon.kill();
        }
    }
}
