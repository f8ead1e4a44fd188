package io.kahvem.vmm.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.config.MachineConfig;
import io.kahvem.config.Management;
import io.kahvem.devices.ByteSink;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.Dumps.DumpCompletedEvent;
import io.kahvem.qmp.schema.Dumps.DumpGuestMemory;
import io.kahvem.qmp.schema.Dumps.DumpQueryResult;
import io.kahvem.qmp.schema.Dumps.DumpStatus;
import io.kahvem.qmp.schema.Dumps.QueryDump;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.Machines.Memsave;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.TestMachines;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MemoryCommandsTest {
    private static final int MARK_AT = 0x20_0000;
    private static final long RAM = (64L << 20) - 0x2_0000; // without the VGA's window

    @TempDir
    private Path directory;

    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

    private Machine start() throws IOException {
        Management management = new Management(Optional.empty(), Optional.empty(), List.of(directory.resolve("qmp")), false, false);
        MachineConfig config = MachineConfig.builder()
                .memory("64M").cpus(2).kernel(TestMachines.writeKernel(directory)).management(management).build();
        Machine machine = Machine.create(config, ByteSink.DISCARD, TestMachines.idleHost());
        machine.memory().write(MARK_AT, "a mark".getBytes(StandardCharsets.US_ASCII));
        machine.start();
        return machine;
    }

    private QmpClient connect() {
        return QmpClient.connect(directory.resolve("qmp"), Duration.ofSeconds(10), event -> event.known().ifPresent(events::add));
    }

    private DumpGuestMemory dump(Path file, Optional<Long> begin, Optional<Long> length, boolean detach) {
        return new DumpGuestMemory(false, "file:" + file, Optional.of(detach), begin, length, Optional.empty());
    }

    @Test
    void linearMemoryIsThatOfAProcessor() throws IOException {
        Path file = directory.resolve("memory");
        try (Machine machine = start(); QmpClient client = connect()) {
            client.execute(new Memsave(MARK_AT, 6, file.toString(), Optional.of(1L)));
            assertThat(file).hasContent("a mark");
            assertThat(events).as("the machine is not stopped for it").isEmpty();
            assertThatThrownBy(() -> client.execute(new Memsave(0, 1, file.toString(), Optional.of(2L))))
                    .isInstanceOf(QmpException.class).hasMessage("Parameter 'cpu-index' expects a CPU number");
        }
    }

    @Test
    void aDumpHasAllMemoryAndANoteForEachProcessor() throws IOException {
        Path file = directory.resolve("dump");
        CpuState state;
        try (Machine machine = start(); QmpClient client = connect()) {
            client.execute(dump(file, Optional.empty(), Optional.empty(), false));
            assertThat(client.execute(new QueryDump())).isEqualTo(new DumpQueryResult(DumpStatus.COMPLETED, RAM, RAM));
            state = machine.cpuState(0);
        }
        assertThat(events).last().isEqualTo(
                new DumpCompletedEvent(new DumpQueryResult(DumpStatus.COMPLETED, RAM, RAM), Optional.empty()));
        ByteBuffer core = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(core.getInt(0)).as("ELF").isEqualTo(0x464c_457f);
        assertThat(core.getShort(16)).as("ET_CORE").isEqualTo((short) 4);
        int segments = core.getShort(56);
        int notesAt = (int) core.getLong(64 + 8);
        assertThat(core.getInt(notesAt + 4)).as("elf_prstatus of i386").isEqualTo(144);
        int status = notesAt + 20;
        assertThat(core.getInt(status + 24)).as("pid").isEqualTo(1);
        assertThat(core.getInt(status + 72 + 12 * 4)).as("eip").isEqualTo((int) state.rip);
        assertThat(core.getInt(status + 144 + 20 + 24)).as("pid of the second").isEqualTo(2);
        boolean found = false;
        for (int n = 1; n < segments; n++) {
            int header = 64 + 56 * n;
            long gpa = core.getLong(header + 24);
            long size = core.getLong(header + 32);
            if (MARK_AT < gpa || MARK_AT >= gpa + size) continue;
            byte[] mark = new byte[6];
            core.get((int) (core.getLong(header + 8) + MARK_AT - gpa), mark);
            found = Arrays.equals(mark, "a mark".getBytes(StandardCharsets.US_ASCII));
        }
        assertThat(found).isTrue();
    }

    @Test
    void aPartIsDumpedInTheBackground() throws Exception {
        Path file = directory.resolve("dump");
        try (Machine machine = start(); QmpClient client = connect()) {
            client.execute(dump(file, Optional.of((long) MARK_AT), Optional.of(6L), true));
            Event last = events.take();
            while (!(last instanceof DumpCompletedEvent)) last = events.take();
            assertThat(last).isEqualTo(new DumpCompletedEvent(new DumpQueryResult(DumpStatus.COMPLETED, 6, 6), Optional.empty()));
            assertThatThrownBy(() -> client.execute(dump(file, Optional.of(1L << 40), Optional.of(1L), false)))
                    .isInstanceOf(QmpException.class).hasMessage("dump: no guest memory to dump");
        }
        byte[] core = Files.readAllBytes(file);
        assertThat(new String(core, core.length - 6, 6, StandardCharsets.US_ASCII)).isEqualTo("a mark");
    }
}
