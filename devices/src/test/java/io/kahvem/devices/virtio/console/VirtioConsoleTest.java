package io.kahvem.devices.virtio.console;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.virtio.TestTransport;
import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class VirtioConsoleTest {
    private static final long F_SIZE = 1;
    private static final long F_MULTIPORT = 2;
    private static final int CONTROL_RX = 2;
    private static final int CONTROL_TX = 3;

    private final StringBuilder out0 = new StringBuilder();
    private final StringBuilder out1 = new StringBuilder();
    private final List<Boolean> opened = new ArrayList<>();
    private final VirtioConsole console = new VirtioConsole(List.of(
            new ConsolePort("", true, (bytes, offset, length) -> out0.append(new String(bytes, offset, length, UTF_8))),
            new ConsolePort("org.qemu.guest_agent.0", false, new PortSink() {
                @Override
                public void write(byte[] bytes, int offset, int length) {
                    out1.append(new String(bytes, offset, length, UTF_8));
                }

                @Override
                public void guestOpened(boolean open) {
                    opened.add(open);
                }
            })));
    private final Map<Integer, Long> controlBuffers = new HashMap<>();

    @Test
    void aDriverOfOnePortGetsAndGivesBytes() {
        try (TestTransport t = new TestTransport(console, 0)) {
            FakeDriver rx = t.driver(0);
            FakeDriver tx = t.driver(1);
            assertThat(console.receive(0, "lost".getBytes(UTF_8), 0, 4)).isZero();
            long in = rx.buffer(4);
            rx.offer(new Buffer(in, 4, true));
            assertThat(console.receive(0, "hello".getBytes(UTF_8), 0, 5)).isEqualTo(4);
            assertThat(requireNonNull(rx.takeUsed()).written()).isEqualTo(4);
            assertThat(t.memory.read32(in)).isEqualTo('h' | 'e' << 8 | 'l' << 16 | 'l' << 24);
            long out = tx.buffer(10_000);
            for (int n = 0; n < 10_000; n++) t.memory.write8(out + n, 'a' + n % 26);
            tx.offer(new Buffer(out, 10_000, false));
            t.control.notifyQueue(1);
            assertThat(tx.takeUsed()).isNotNull();
            assertThat(out0).hasSize(10_000).startsWith("abcdef");
        }
    }

    @Test
    void portsAreAnnouncedNamedOpenedAndSized() {
        try (TestTransport t = new TestTransport(console, F_SIZE | F_MULTIPORT)) {
            console.resize(132, 43);
            assertThat(t.control.readConfig(0, 4)).isEqualTo(132 | 43 << 16);
            assertThat(t.control.readConfig(4, 4)).isEqualTo(2);
            FakeDriver rx = t.driver(CONTROL_RX);
            for (int n = 0; n < 20; n++) {
                long gpa = rx.buffer(64);
                controlBuffers.put(rx.offer(new Buffer(gpa, 64, true)), gpa);
            }
            say(t, 0, 0, 1);
            assertThat(hear(t)).isEqualTo("0 ADD 1 []");
            assertThat(hear(t)).isEqualTo("1 ADD 1 []");
            say(t, 0, 3, 1);
            assertThat(hear(t)).isEqualTo("0 CONSOLE 1 []");
            assertThat(hear(t)).isEqualTo("0 RESIZE 0 [43, 0, 132, 0]");
            assertThat(hear(t)).isEqualTo("0 OPEN 1 []");
            say(t, 1, 3, 1);
            assertThat(hear(t)).startsWith("1 NAME 1 [111, 114, 103");
            assertThat(hear(t)).isEqualTo("1 OPEN 1 []");
            assertThat(hear(t)).isNull();
            console.setHostOpen(1, false);
            assertThat(hear(t)).isEqualTo("1 OPEN 0 []");

            FakeDriver port1 = t.driver(4);
            port1.offer(new Buffer(port1.buffer(8), 8, true));
            assertThat(console.receive(1, new byte[3], 0, 3)).isZero();
            say(t, 1, 6, 1);
            assertThat(opened).containsExactly(true);
            assertThat(console.receive(1, new byte[3], 0, 3)).isEqualTo(3);
            FakeDriver out = t.driver(5);
            long gpa = out.buffer(2);
            t.memory.write16(gpa, 'o' | 'k' << 8);
            out.offer(new Buffer(gpa, 2, false));
            t.control.notifyQueue(5);
            assertThat(out1).hasToString("ok");
            say(t, 1, 6, 0);
            assertThat(opened).containsExactly(true, false);
            say(t, 77, 6, 1); // a port that is not there
            t.control.writeConfig(8, 4, 'E');
            assertThat(out0).hasToString("E");
        }
    }

    @Test
    void roomForInputIsTold() {
        try (TestTransport t = new TestTransport(console, 0)) {
            int[] told = {0};
            console.onReceiveSpace(0, () -> told[0]++);
            t.driver(0).offer(new Buffer(t.driver(0).buffer(8), 8, true));
            t.control.notifyQueue(0);
            assertThat(told[0]).isEqualTo(1);
        }
    }

    private static void say(TestTransport t, int id, int event, int value) {
        FakeDriver tx = t.driver(CONTROL_TX);
        long gpa = tx.buffer(8);
        t.memory.write32(gpa, id);
        t.memory.write16(gpa + 4, event);
        t.memory.write16(gpa + 6, value);
        tx.offer(new Buffer(gpa, 8, false));
        t.control.notifyQueue(CONTROL_TX);
        assertThat(tx.takeUsed()).isNotNull();
    }

    private @Nullable String hear(TestTransport t) {
        FakeDriver.Used used = t.driver(CONTROL_RX).takeUsed();
        if (used == null) return null;
        long gpa = requireNonNull(controlBuffers.get(used.id()));
        String event = switch (t.memory.read16(gpa + 4)) {
            case 1 -> "ADD";
            case 4 -> "CONSOLE";
            case 5 -> "RESIZE";
            case 6 -> "OPEN";
            case 7 -> "NAME";
            default -> "?";
        };
        List<Integer> more = new ArrayList<>();
        for (int n = 8; n < used.written(); n++) more.add(t.memory.read8(gpa + n));
        return "%d %s %d %s".formatted(t.memory.read32(gpa), event, t.memory.read16(gpa + 6), more);
    }
}
