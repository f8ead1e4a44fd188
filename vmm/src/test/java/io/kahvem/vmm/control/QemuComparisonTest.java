package io.kahvem.vmm.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.config.MachineConfig;
import io.kahvem.config.Management;
import io.kahvem.devices.ByteSink;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.TestMachines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The same requests to this machine and to QEMU: errors are equal word for word, what is returned has the same shape.
@Timeout(120)
class QemuComparisonTest {
    private static final String QEMU = "qemu-system-x86_64";

    private static final List<String> REQUESTS = """
            {"execute":"query-status"}
            {"execute":"qmp_capabilities","arguments":{"enable":["oob",1]}}
            {"execute":"qmp_capabilities","arguments":{"enable":["bogus"]}}
            {"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}
            {"execute":"qmp_capabilities"}
            {"execute":"query-version"}
            {"execute":"query-commands"}
            {"execute":"query-status"}
            {"execute":"query-cpus-fast"}
            {"execute":"query-kvm"}
            {"execute":"query-name"}
            {"execute":"query-uuid"}
            {"execute":"query-target"}
            {"execute":"query-memory-size-summary"}
            {"execute":"query-current-machine"}
            {"execute":"query-chardev"}
            {"execute":"stop"}
            {"execute":"cont"}
            {"execute":"query-status"}
            {"execute":"stop"}
            {"execute":"query-status"}
            {"execute":"system_powerdown"}
            {"execute":"inject-nmi"}
            {"execute":"set-action","arguments":{"panic":"explode"}}
            {"execute":"set-action","arguments":{"panic":"none","shutdown":"pause","reboot":"reset"}}
            {"execute":"human-monitor-command","arguments":{"command-line":"info status"}}
            {"execute":"human-monitor-command","arguments":{"command-line":"frobnicate"}}
            {"execute":"human-monitor-command","arguments":{"command-line":"info frobnicate"}}
            {"execute":"human-monitor-command","arguments":{"command-line":1}}
            {"execute":"human-monitor-command"}
            {"execute":"human-monitor-command","arguments":{"command-line":"x","zzz":1}}
            {"execute":"frobnicate"}
            {"execute":"query-balloon"}
            {"execute":"balloon","arguments":{"value":16777216}}
            {"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}
            {"execute":"qom-get","arguments":{"path":"/machine/peripheral/balloon0","property":"guest-stats"}}
            {"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"ctrl"},{"type":"number","data":30}]}}
            {"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"frobnicate"}],"hold-time":1}}
            {"execute":"send-key","arguments":{"keys":[{"type":"letter","data":"a"}]}}
            {"execute":"screendump","arguments":{"filename":"/nonexistent/screen.ppm"}}
            {"execute":"screendump","arguments":{"filename":"/nonexistent/screen.ppm","head":1}}
            {"execute":"screendump","arguments":{"filename":"/nonexistent/screen.ppm","device":"frobnicate"}}
            {"execute":"screendump","arguments":{"filename":"/nonexistent/screen.ppm","format":"gif"}}
            {"execute":"pmemsave","arguments":{"val":0,"size":16,"filename":"/nonexistent/memory"}}
            {"execute":"memsave","arguments":{"val":0,"size":16,"filename":"/nonexistent/memory"}}
            {"execute":"memsave","arguments":{"val":0,"size":16,"filename":"/nonexistent/memory","cpu-index":7}}
            {"execute":"query-dump"}
            {"execute":"query-dump-guest-memory-capability"}
            {"execute":"dump-guest-memory","arguments":{"paging":false,"protocol":"file:/nonexistent/d"}}
            {"execute":"dump-guest-memory","arguments":{"paging":false,"protocol":"bogus:/nonexistent/d"}}
            {"execute":"dump-guest-memory","arguments":{"paging":false,"protocol":"file:/nonexistent/d","begin":4096}}
            {"execute":"dump-guest-memory","arguments":{"paging":false,"protocol":"file:/nonexistent/d","length":4096}}
            {"execute":"dump-guest-memory","arguments":{"paging":false,"protocol":"file:/nonexistent/d","format":"kdump-lzo"}}
            {"execute":"add-fd"}
            {"execute":"query-fdsets"}
            {"execute":"remove-fd","arguments":{"fdset-id":7}}
            {"execute":"remove-fd","arguments":{"fdset-id":7,"fd":3}}
            {"execute":"query-block"}
            {"execute":"query-jobs"}
            {"execute":"block_resize","arguments":{"device":"frobnicate","size":1024}}
            {"execute":"block_resize","arguments":{"device":"frobnicate","size":-1}}
            {"execute":"query-status","id":{"a":[1,-2.5,"x",null,true]}}
            {"exec-oob":"query-status"}
            {"execute":1}
            []
            {}
            42
            "text"
            {"execute":"query-status","arguments":[]}
            {"execute":"query-status","bogus":1}
            {"execute":"query-status","exec-oob":"query-status"}
            }
            %
            {"execute":"query-name","id":1}
            """.lines().toList();

    @TempDir
    Path directory;

    @Test
    void repliesHaveTheShapeOfQemus() throws Exception {
        assumeTrue(isInstalled(), "no " + QEMU + " here to compare with");
        Path theirs = directory.resolve("qemu");
        List<String> command = new ArrayList<>(List.of(QEMU));
        command.addAll(List.of("-S -accel tcg -machine q35 -m 64 -smp 2 -nodefaults -display none -name guest -serial null".split(" ")));
        command.addAll(List.of("-qmp", "unix:%s,server=on,wait=off".formatted(theirs)));
        Process qemu = new ProcessBuilder(command).inheritIO().start();
        try (Machine machine = machine()) {
            machine.start();
            while (!Files.exists(theirs) && qemu.isAlive()) Thread.onSpinWait();
            try (JsonLines reference = new JsonLines(theirs); JsonLines ours = new JsonLines(directory.resolve("kahvem"))) {
                assertThat(shape(ours.next())).isEqualTo(shape(reference.next()));
                for (String request : REQUESTS) {
                    Map<?, ?> expected = reference.ask(request);
                    Map<?, ?> got = ours.ask(request);
                    assertThat(got.get("error")).as(request).isEqualTo(expected.get("error"));
                    assertThat(got.get("id")).as(request).isEqualTo(expected.get("id"));
                    assertThat(shape(got)).as(request).isEqualTo(shape(expected));
                    if (request.contains("query-status") || request.contains("human-monitor")) {
                        assertThat(got).as(request).isEqualTo(expected);
                    }
                }
            }
        } finally {
            qemu.destroyForcibly().waitFor();
        }
    }

    private static boolean isInstalled() throws InterruptedException {
        try {
            return new ProcessBuilder(QEMU, "--version").redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException absent) {
            return false;
        }
    }

    private Machine machine() throws IOException {
        List<Path> sockets = List.of(directory.resolve("kahvem"));
        Management management = new Management(Optional.of("guest"), Optional.empty(), sockets, true, false);
        MachineConfig config = MachineConfig.builder()
                .memory("64M").cpus(2).kernel(TestMachines.writeKernel(directory)).management(management)
                .build();
        return Machine.create(config, ByteSink.DISCARD, TestMachines.idleHost());
    }

    /// Members by their names, a list by its first element, scalars by their kind.
    private static Object shape(Object tree) {
        return switch (tree) {
            case Map<?, ?> object -> {
                Map<String, Object> members = new TreeMap<>();
                object.forEach((name, value) -> members.put(String.valueOf(name), shape(value)));
                yield members;
            }
            case List<?> list -> list.isEmpty() ? List.of() : List.of(shape(list.getFirst()));
            default -> tree.getClass().getSimpleName();
        };
    }
}
