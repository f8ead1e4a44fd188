package io.kahvem.vmm.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.config.Disk;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.Management;
import io.kahvem.devices.ByteSink;
import io.kahvem.host.Descriptor;
import io.kahvem.host.LocalSocket;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.schema.BlockJobs.BlockCommit;
import io.kahvem.qmp.schema.BlockJobs.BlockdevSnapshotSync;
import io.kahvem.qmp.schema.BlockJobs.DriveBackup;
import io.kahvem.qmp.schema.BlockJobs.MirrorSyncMode;
import io.kahvem.qmp.schema.Descriptors.AddFd;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.TestMachines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Snapshots, jobs and bitmaps by the control socket: the same requests to this machine and to QEMU. Replies and errors are equal, and so
/// are the events, and qemu-img finds the same in the images afterwards.
@Timeout(120)
class DiskWorkTest {
    private static final String QEMU = "qemu-system-x86_64";

    /// `@` is the directory; `> EVENT` waits for one.
    private static final List<String> SCRIPT = """
            query-block-jobs {}
            blockdev-snapshot-sync {"device":"nope","snapshot-file":"@/s1.qcow2"}
            blockdev-snapshot-sync {"device":"drive0","snapshot-file":"@/none/s1.qcow2"}
            blockdev-snapshot-sync {"device":"drive0","snapshot-file":"@/s1.qcow2","format":"bogus"}
            blockdev-snapshot-sync {"device":"drive0","snapshot-file":"@/s1.raw","format":"raw"}
            blockdev-snapshot-sync {"device":"drive0","snapshot-file":"@/none.qcow2","mode":"existing"}
            block-dirty-bitmap-add {"node":"nope","name":"b0"}
            block-dirty-bitmap-add {"node":"drive0","name":""}
            block-dirty-bitmap-add {"node":"drive0","name":"b0","granularity":1000}
            block-dirty-bitmap-add {"node":"drive0","name":"b0"}
            block-dirty-bitmap-add {"node":"drive0","name":"b0"}
            block-dirty-bitmap-add {"node":"drive0","name":"p0","persistent":true,"disabled":true}
            block-dirty-bitmap-enable {"node":"drive0","name":"p0"}
            block-dirty-bitmap-disable {"node":"drive0","name":"x"}
            block-dirty-bitmap-clear {"node":"drive0","name":"x"}
            block-dirty-bitmap-merge {"node":"drive0","target":"b0","bitmaps":["p0"]}
            block-dirty-bitmap-merge {"node":"drive0","target":"b0","bitmaps":["x"]}
            block-dirty-bitmap-remove {"node":"drive0","name":"x"}
            drive-backup {"device":"nope","target":"@/bk.qcow2","sync":"full"}
            drive-backup {"device":"drive0","target":"@/bk.qcow2","sync":"incremental"}
            drive-backup {"device":"drive0","target":"@/bk.qcow2","sync":"incremental","bitmap":"x"}
            drive-backup {"device":"drive0","target":"@/bk.qcow2","sync":"full","bitmap":"b0"}
            drive-backup {"device":"drive0","target":"@/bk.qcow2","sync":"full","bitmap-mode":"never"}
            drive-backup {"device":"drive0","target":"@/bk.qcow2","sync":"incremental","bitmap":"b0","bitmap-mode":"never"}
            drive-backup {"device":"drive0","target":"@/bk.qcow2","sync":"full","format":"bogus"}
            drive-backup {"device":"drive0","target":"@/none/bk.raw","sync":"full","format":"raw"}
            drive-backup {"device":"drive0","target":"@/small.qcow2","sync":"full","mode":"existing"}
            drive-backup {"device":"drive0","target":"@/bk.qcow2","sync":"full"}
            > BLOCK_JOB_COMPLETED
            drive-backup {"device":"drive0","target":"@/bi.qcow2","sync":"incremental","bitmap":"b0","job-id":"inc"}
            > BLOCK_JOB_COMPLETED
            drive-backup {"device":"drive0","target":"@/bf.qcow2","sync":"full","job-id":"f","auto-finalize":false,"auto-dismiss":false}
            > BLOCK_JOB_PENDING
            query-block-jobs {}
            job-finalize {"id":"f"}
            > BLOCK_JOB_COMPLETED
            query-jobs {}
            query-block-jobs {}
            job-cancel {"id":"f"}
            job-dismiss {"id":"f"}
            transaction {"actions":[{"type":"blockdev-snapshot-sync","data":{"device":"drive0","snapshot-file":"@/t.qcow2"}},\
            {"type":"block-dirty-bitmap-clear","data":{"node":"drive0","name":"x"}}]}
            transaction {"actions":[{"type":"bogus","data":{}}]}
            transaction {"actions":[{"type":"abort","data":{}}]}
            transaction {"actions":[{"type":"block-dirty-bitmap-add","data":{"node":"drive0","name":"q"}},\
            {"type":"drive-backup","data":{"device":"drive0","target":"@/bt.qcow2","sync":"full"}}]}
            > BLOCK_JOB_COMPLETED
            blockdev-snapshot-sync {"device":"drive0","snapshot-file":"@/s1.qcow2"}
            blockdev-snapshot-sync {"device":"drive0","snapshot-file":"@/s2.qcow2","format":"qcow2"}
            blockdev-snapshot-sync {"device":"drive0","snapshot-file":"@/s3.qcow2"}
            block-commit {"device":"nope"}
            block-commit {"device":"drive0","job-id":"1bad"}
            block-commit {"device":"drive0","base":"@/x"}
            block-commit {"device":"drive0","top":"@/x"}
            block-commit {"device":"drive0","top":"@/s2.qcow2","base":"@/s1.qcow2","job-id":"mid"}
            > BLOCK_JOB_COMPLETED
            block-stream {"device":"nope"}
            block-stream {"device":"drive0","base":"@/x"}
            block-stream {"device":"drive0","base":"@/a.qcow2","job-id":"st"}
            > BLOCK_JOB_COMPLETED
            block-commit {"device":"drive0","job-id":"c1"}
            > BLOCK_JOB_READY
            query-block-jobs {}
            block-stream {"device":"drive0"}
            block_resize {"device":"drive0","size":33554432}
            block-job-pause {"device":"c1"}
            > JOB_STATUS_CHANGE
            block-job-pause {"device":"c1"}
            block-job-cancel {"device":"c1"}
            block-job-resume {"device":"c1"}
            > JOB_STATUS_CHANGE
            block-job-resume {"device":"c1"}
            block-job-finalize {"id":"c1"}
            block-job-dismiss {"id":"c1"}
            block-job-complete {"device":"c1"}
            > BLOCK_JOB_COMPLETED
            block-job-complete {"device":"c1"}
            block-job-set-speed {"device":"nope","speed":0}
            block-job-pause {"device":"nope"}
            block-job-cancel {"device":"nope"}
            job-cancel {"id":"nope"}
            block-commit {"device":"drive0"}
            drive-mirror {"device":"nope","target":"@/m.qcow2","sync":"full"}
            drive-mirror {"device":"drive0","target":"@/m.qcow2","sync":"bogus"}
            drive-mirror {"device":"drive0","target":"@/m.qcow2","sync":"full","mode":"existing"}
            drive-mirror {"device":"drive0","target":"@/m.qcow2","sync":"full","granularity":1000}
            drive-mirror {"device":"drive0","target":"@/m.qcow2","sync":"full","granularity":100}
            drive-mirror {"device":"drive0","target":"@/m.qcow2","sync":"incremental"}
            drive-mirror {"device":"drive0","target":"@/small.qcow2","sync":"full","mode":"existing"}
            > BLOCK_JOB_COMPLETED
            drive-mirror {"device":"drive0","target":"@/m1.qcow2","sync":"full"}
            > BLOCK_JOB_READY
            block-job-cancel {"device":"drive0"}
            > BLOCK_JOB_COMPLETED
            drive-mirror {"device":"drive0","target":"@/m2.qcow2","sync":"full"}
            > BLOCK_JOB_READY
            block-job-cancel {"device":"drive0","force":true}
            > BLOCK_JOB_CANCELLED
            drive-mirror {"device":"drive0","target":"@/m3.qcow2","sync":"full","job-id":"m3"}
            > BLOCK_JOB_READY
            block-job-complete {"device":"m3"}
            > BLOCK_JOB_COMPLETED
            blockdev-add {"driver":"qcow2","node-name":"n1","file":{"driver":"file","filename":"@/n1.qcow2"}}
            blockdev-add {"driver":"qcow2","node-name":"n1","file":{"driver":"file","filename":"@/small.qcow2"}}
            blockdev-add {"driver":"qcow2","node-name":"n2","file":{"driver":"file","filename":"@/none.qcow2"}}
            blockdev-add {"driver":"bogus","node-name":"n2"}
            blockdev-add {"driver":"qcow2","node-name":"n2","file":"nofile"}
            blockdev-add {"driver":"qcow2","file":{"driver":"file","filename":"@/small.qcow2"}}
            blockdev-add {"driver":"qcow2","node-name":"bad name","file":{"driver":"file","filename":"@/small.qcow2"}}
            blockdev-del {"node-name":"zz"}
            blockdev-mirror {"device":"drive0","target":"zz","sync":"full"}
            blockdev-mirror {"device":"drive0","target":"drive0","sync":"full"}
            blockdev-backup {"device":"drive0","target":"drive0","sync":"full"}
            blockdev-backup {"device":"drive0","target":"n1","sync":"full","job-id":"nb"}
            > BLOCK_JOB_COMPLETED
            blockdev-mirror {"device":"drive0","target":"n1","sync":"full","job-id":"nm"}
            > BLOCK_JOB_READY
            blockdev-del {"node-name":"n1"}
            block-job-complete {"device":"nm"}
            > BLOCK_JOB_COMPLETED
            block_set_io_throttle {"device":"nope","bps":0,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0}
            block_set_io_throttle {"device":"drive0","bps":1,"bps_rd":1,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0}
            block_set_io_throttle {"device":"drive0","bps":0,"bps_rd":-1,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0}
            block_set_io_throttle {"device":"drive0","bps":0,"bps_rd":100000,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":100}
            block_set_io_throttle {"device":"drive0","bps":0,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max":5}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max":5}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max":20,"bps_rd_max":5}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_rd_max":5}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max_length":5}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max":20,"bps_max_length":0}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max":20,"bps_max_length":10000000000000000}
            block_set_io_throttle {"device":"drive0","bps":0,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "iops_size":4096}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max":-1}
            block_set_io_throttle {"device":"drive0","bps":10,"bps_rd":0,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,\
            "bps_max":1000000000000001}
            block_set_io_throttle {"device":"drive0","bps":0,"bps_rd":7,"bps_wr":0,"iops":10,"iops_rd":0,"iops_wr":0,\
            "iops_size":4096,"iops_max":100,"iops_max_length":3,"bps_rd_max":9}
            """.lines().toList();

    @TempDir
    private Path directory;

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private Path images(String name) throws Exception {
        Path at = Files.createDirectory(directory.resolve(name));
        run("qemu-img", "create", "-q", "-f", "qcow2", at.resolve("a.qcow2").toString(), "16M");
        run("qemu-io", "-c", "write -P 3 0 4M", at.resolve("a.qcow2").toString());
        run("qemu-img", "create", "-q", "-f", "qcow2", at.resolve("n1.qcow2").toString(), "16M");
        run("qemu-img", "create", "-q", "-f", "qcow2", at.resolve("small.qcow2").toString(), "8M");
        return at;
    }

    @Test
    void itIsAsInQemu() throws Exception {
        assumeTrue(isInstalled(), "no " + QEMU + " here to compare with");
        Path theirs = images("theirs");
        Path ours = images("ours");
        List<String> command = new ArrayList<>(List.of(QEMU));
        command.addAll(List.of("-S -accel tcg -machine q35 -m 64 -nodefaults -display none -serial null".split(" ")));
        command.addAll(List.of("-qmp", "unix:%s,server=on,wait=off".formatted(directory.resolve("qemu"))));
        command.addAll(List.of("-drive", "if=none,id=drive0,format=qcow2,file=" + theirs.resolve("a.qcow2"), "-device",
                "virtio-blk,drive=drive0"));
        Process qemu = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        try (Machine machine = machine(ours)) {
            machine.start();
            while (!Files.exists(directory.resolve("qemu")) && qemu.isAlive()) Thread.onSpinWait();
            try (JsonLines reference = new JsonLines(directory.resolve("qemu"));
                    JsonLines client = new JsonLines(directory.resolve("kahvem"))) {
                reference.next();
                client.next();
                reference.ask("{\"execute\":\"qmp_capabilities\"}");
                client.ask("{\"execute\":\"qmp_capabilities\"}");
                for (String line : SCRIPT) compare(line, reference, theirs, client, ours);
            }
        } finally {
            qemu.destroyForcibly().waitFor();
        }
        for (String image : List.of("a", "bk", "bf", "bt", "s1", "m1", "m3", "n1")) {
            String made = ours.resolve(image + ".qcow2").toString();
            run("qemu-img", "check", "-U", made);
            run("qemu-img", "compare", "-U", made, theirs.resolve(image + ".qcow2").toString());
        }
    }

    @Test
    void aConfinedMachineIsGivenTheFilesItMakes() throws Exception {
        assumeTrue(LocalSocket.passesDescriptors() && isInstalled(), "this host passes no descriptors, or has no QEMU");
        Path ours = images("ours");
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        Path top = Files.createFile(ours.resolve("passed.qcow2"));
        Path copy = Files.createFile(ours.resolve("copy.raw"));
        try (Machine machine = machine(ours)) {
            machine.start();
            Path socket = directory.resolve("kahvem");
            try (QmpClient client = QmpClient.connect(socket, Duration.ofSeconds(10), event -> events.add(event.name()));
                    Descriptor first = Descriptor.open(top.toString()); Descriptor second = Descriptor.open(copy.toString())) {
                client.execute(new AddFd(Optional.of(1L), Optional.empty()), List.of(first));
                client.execute(new AddFd(Optional.of(2L), Optional.empty()), List.of(second));
                client.execute(new BlockdevSnapshotSync(Optional.of("drive0"), Optional.empty(), "/dev/fdset/1", Optional.empty(),
                        Optional.empty()));
                client.execute(new DriveBackup(Optional.empty(), "drive0", "/dev/fdset/2", Optional.of("raw"), MirrorSyncMode.FULL,
                        Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
                        Optional.empty(), Optional.empty()));
                String event = events.take();
                while (!event.equals("BLOCK_JOB_COMPLETED")) event = events.take();
            }
        }
        assertThat(run("qemu-img", "info", top.toString())).contains("backing file: " + ours.resolve("a.qcow2"));
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", ours.resolve("a.qcow2").toString(), copy.toString());
    }

    @Test
    void layersThatCannotBeOpenedForWritingAreCommittedIntoByPassedDescriptors() throws Exception {
        assumeTrue(LocalSocket.passesDescriptors() && isInstalled(), "this host passes no descriptors, or has no QEMU");
        Path at = images("ours");
        Path top = at.resolve("a.qcow2");
        Path base = Files.move(top, at.resolve("base.qcow2"));
        for (String[] layer : new String[][] {{"base", "low"}, {"low", "middle"}, {"middle", "a"}}) {
            String file = at.resolve(layer[1] + ".qcow2").toString();
            run("qemu-img", "create", "-q", "-f", "qcow2", "-b", layer[0] + ".qcow2", "-F", "qcow2", file);
            run("qemu-io", "-c", "write -P %d 1M 64k".formatted(layer[1].length()), file);
        }
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        Path lowMoved = at.resolve("low.moved");
        Path middleMoved = at.resolve("middle.moved");
        try (Machine machine = machine(at)) {
            machine.start();
            Files.move(base, at.resolve("base.moved")); // its path opens no more, as in a sandbox
            Path socket = directory.resolve("kahvem");
            try (QmpClient client = QmpClient.connect(socket, Duration.ofSeconds(10), event -> events.add(event.name()));
                    Descriptor ofBase = Descriptor.open(at.resolve("base.moved").toString());
                    Descriptor ofMiddle = Descriptor.open(at.resolve("middle.qcow2").toString());
                    Descriptor other = Descriptor.open(top.toString())) {
                Files.move(at.resolve("middle.qcow2"), middleMoved);
                BlockCommit commit = new BlockCommit(Optional.empty(), "drive0", Optional.of(at.resolve("base.qcow2").toString()),
                        Optional.of(at.resolve("low.qcow2").toString()), Optional.empty(), Optional.empty(), Optional.empty(),
                        Optional.empty());
                assertThatThrownBy(() -> client.execute(commit)).hasMessageContaining("No such file or directory");
                assertThatThrownBy(() -> client.execute(commit, List.of(other))).hasMessageContaining("is another file's");
                client.execute(commit, List.of(ofBase, ofMiddle));
                String event = events.take();
                while (!event.equals("BLOCK_JOB_COMPLETED")) event = events.take();
                Files.move(at.resolve("base.moved"), base);
                Files.move(middleMoved, at.resolve("middle.qcow2"));
                Files.move(at.resolve("low.qcow2"), lowMoved);
            }
        }
        assertThat(run("qemu-img", "info", "--backing-chain", top.toString())).contains("base.qcow2").doesNotContain("low.qcow2");
        run("qemu-img", "check", base.toString());
        run("qemu-io", "-r", "-c", "read -P 3 1M 64k", "-c", "read -P 3 0 1M", base.toString());
        run("qemu-io", "-r", "-c", "read -P 1 1M 64k", "-c", "read -P 3 2M 1M", top.toString());
    }

    private static void compare(String line, JsonLines reference, Path theirs, JsonLines client, Path ours) {
        if (line.startsWith("> ")) {
            reference.await(line.substring(2));
            client.await(line.substring(2));
            reference.ask("{\"execute\":\"query-jobs\"}"); // and what was told with it
            client.ask("{\"execute\":\"query-jobs\"}");
            assertThat(told(client)).as("until " + line).isEqualTo(told(reference));
            return;
        }
        String command = line.substring(0, line.indexOf(' '));
        String request = "{\"execute\":\"%s\",\"arguments\":%s}".formatted(command, line.substring(line.indexOf(' ') + 1));
        Object expected = plain(reference.ask(request.replace("@", theirs.toString())), theirs);
        Object got = plain(client.ask(request.replace("@", ours.toString())), ours);
        assertThat(got).as(request).isEqualTo(expected);
    }

    /// The reply with `@` for the directory, and without what is true of a moment.
    private static Object plain(Object tree, Path at) {
        return switch (tree) {
            case Map<?, ?> object -> {
                Map<Object, Object> members = new TreeMap<>();
                object.forEach((name, value) -> members.put(name, name.equals("busy") ? "" : plain(value, at)));
                yield members;
            }
            case List<?> list -> list.stream().map(element -> plain(element, at)).toList();
            case String text -> text.replace(at.toString(), "@");
            default -> tree;
        };
    }

    /// The events, without the pauses that QEMU makes for itself.
    private static List<String> told(JsonLines from) {
        List<String> told = new ArrayList<>();
        for (Map<?, ?> event : from.takeEvents()) {
            if (!(event.get("data") instanceof Map<?, ?> data)) continue;
            String status = String.valueOf(data.get("status"));
            String text = event.get("event") + " " + new TreeMap<>(data);
            if (text.contains("device=nm")) text = text.replaceAll("(len|offset)=[0-9]+", "$1"); // QEMU writes zeros as data there
            boolean own = (status.equals("running") || status.equals("ready")) && told.removeIf(paused ->
                    paused.contains("status=paused") || paused.contains("status=standby"));
            if (!own) told.add(text);
        }
        return told;
    }

    private static boolean isInstalled() throws InterruptedException {
        try {
            return new ProcessBuilder(QEMU, "--version").redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException absent) {
            return false;
        }
    }

    private Machine machine(Path images) throws IOException {
        List<Path> sockets = List.of(directory.resolve("kahvem"));
        Management management = new Management(Optional.empty(), Optional.empty(), sockets, true, false);
        MachineConfig config = MachineConfig.builder()
                .memory("64M").kernel(TestMachines.writeKernel(directory)).management(management)
                .disk(Disk.parse(images.resolve("a.qcow2") + ",format=qcow2"))
                .build();
        return Machine.create(config, ByteSink.DISCARD, TestMachines.idleHost());
    }
}
