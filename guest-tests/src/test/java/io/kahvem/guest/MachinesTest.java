package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.config.MachineConfig;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.MachineResult;
import io.kahvem.vmm.ShutdownCause;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// Machines as a library: several in one JVM, none aware of the others.
class MachinesTest {
    private static final Duration PATIENCE = Duration.ofMinutes(8);
    private static final String PROMPT = "guest# ";

    private final TestGuests guests = TestGuests.orSkip();
    private final long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();

    /// A machine and its serial line.
    private final class Running implements AutoCloseable {
        private final Console console = new Console();
        private final Machine machine;
        private int read;

        Running(String memory, int cpus) {
            MachineConfig config = MachineConfig.builder()
                    .kernel(guests.vmlinuz()).initrd(guests.initrd().toString()).append("console=ttyS0 quiet")
                    .memory(memory).cpus(cpus)
                    .build();
            machine = Machine.create(config, console::put);
            machine.start();
        }

        String await(String text) {
            int end = console.indexAfter(text, read, deadlineNanos);
            if (end < 0) throw new AssertionError("never printed: " + text + "\n" + console);
            String printed = console.from(read, end);
            read = end;
            return printed;
        }

        String shell(String command) throws InterruptedException {
            byte[] bytes = (command + "\n").getBytes(UTF_8);
            assertThat(machine.serialInput().feed(bytes, 0, bytes.length)).isTrue();
            await("\n");
            return await(PROMPT).replace("\r", "").replace(PROMPT, "").replace("\u001b[6n", "");
        }

        MachineResult result() throws Exception {
            return machine.ended().get(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        }

        @Override
        public void close() {
            machine.close();
        }
    }

    @Test
    void twoRunSideBySideInOneJvm() throws Exception {
        try (Running one = new Running("256M", 1); Running two = new Running("512M", 2)) {
            one.await("GUEST-READY");
            two.await("GUEST-READY");
            one.await(PROMPT);
            two.await(PROMPT);
            assertThat(one.shell("nproc; echo one > /tmp/name; cat /tmp/name")).isEqualTo("1\none\n");
            assertThat(two.shell("nproc; echo two > /tmp/name; cat /tmp/name")).isEqualTo("2\ntwo\n");
            assertThat(one.shell("cat /tmp/name")).isEqualTo("one\n");

            one.machine.powerButton();
            one.await("GUEST-POWERDOWN");
            assertThat(one.result()).isEqualTo(new MachineResult.PoweredOff());

            assertThat(two.shell("cat /tmp/name")).isEqualTo("two\n");
            two.machine.stop();
            assertThat(two.result()).isEqualTo(new MachineResult.Stopped(ShutdownCause.HOST_UI));
        }
    }
}
