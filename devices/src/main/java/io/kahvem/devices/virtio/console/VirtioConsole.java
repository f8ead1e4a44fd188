package io.kahvem.devices.virtio.console;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.devices.virtio.Activation;
import io.kahvem.devices.virtio.ConfigSpace;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.queue.DescriptorChain;
import io.kahvem.devices.virtio.queue.Virtqueue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// virtio-console (virtio 1.2, 5.3): ports that carry bytes, the first of them also where the driver knows of no others; an emergency
/// write register.
///
/// Lock: this object's monitor; sinks are called under it.
public final class VirtioConsole implements VirtioDevice {
    /// 5.3.2: each port but the first has its queues after those of control.
    public static final int MAX_PORTS = 31;

    private static final int DEVICE_ID = 3;
    private static final int QUEUE_SIZE = 64;
    private static final int CONTROL_RECEIVEQ = 2;
    private static final int CONTROL_TRANSMITQ = 3;

    private static final long F_SIZE = 1;
    private static final long F_MULTIPORT = 1 << 1;
    private static final long F_EMERG_WRITE = 1 << 2;

    private static final int CONFIG_BYTES = 12;
    private static final int COLS = 0;
    private static final int ROWS = 2;
    private static final int MAX_NR_PORTS = 4;
    private static final int EMERG_WR = 8;

    /// struct virtio_console_control: le32 id, le16 event, le16 value.
    private static final int CONTROL_BYTES = 8;

    private static final int DEVICE_READY = 0;
    private static final int DEVICE_ADD = 1;
    private static final int PORT_READY = 3;
    private static final int CONSOLE_PORT = 4;
    private static final int RESIZE = 5;
    private static final int PORT_OPEN = 6;
    private static final int PORT_NAME = 7;

    private final List<Port> ports;
    private final ConfigSpace config = new ConfigSpace(CONFIG_BYTES);
    private final Deque<byte[]> controlOut = new ArrayDeque<>();
    private final byte[] scratch = new byte[4096];
    private @Nullable Activation active;
    private int columns;
    private int rows;

    /// What the device remembers of a port.
    private static final class Port {
        private final ConsolePort port;
        private boolean hostOpen = true;
        private boolean guestOpen;
        private boolean ready;
        private Runnable onSpace = () -> {};

        private Port(ConsolePort port) {
            this.port = port;
        }
    }

    public VirtioConsole(List<ConsolePort> ports) {
        if (ports.isEmpty() || ports.size() > MAX_PORTS) throw new IllegalArgumentException(ports.size() + " ports");
        this.ports = ports.stream().map(Port::new).toList();
        config.put(MAX_NR_PORTS, 4, ports.size());
    }

    @Override
    public int deviceId() {
        return DEVICE_ID;
    }

    @Override
    public long features() {
        return F_SIZE | F_MULTIPORT | F_EMERG_WRITE;
    }

    @Override
    public int[] queueSizes() {
        int[] sizes = new int[2 + 2 * ports.size()];
        Arrays.fill(sizes, QUEUE_SIZE);
        return sizes;
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    /// Gives the guest bytes for a port; returns how many it had room for. Any thread.
    public synchronized int receive(int port, byte[] bytes, int offset, int length) {
        Virtqueue q = readyReceiveQueue(port);
        if (q == null) return 0;
        int done = 0;
        while (done < length) {
            DescriptorChain c = q.poll();
            if (c == null && q.enableNotifications()) continue;
            if (c == null) break;
            int taken = c.writable().write(0, bytes, offset + done, length - done);
            q.complete(c, taken);
            done += taken;
        }
        q.notifyDriver();
        return done;
    }

    /// `listener` is called, on a vCPU thread and without a lock, when [#receive] may have room again.
    public synchronized void onReceiveSpace(int port, Runnable listener) {
        ports.get(port).onSpace = listener;
    }

    /// Whether somebody on the host listens at the port; at first there is.
    public synchronized void setHostOpen(int port, boolean open) {
        Port p = ports.get(port);
        if (p.hostOpen == open) return;
        p.hostOpen = open;
        if (p.ready) control(port, PORT_OPEN, open ? 1 : 0);
    }

    public synchronized boolean guestOpen(int port) {
        return ports.get(port).guestOpen;
    }

    /// The size of the host's terminal.
    public synchronized void resize(int columns, int rows) {
        this.columns = columns;
        this.rows = rows;
        config.put(COLS, 2, columns);
        config.put(ROWS, 2, rows);
        Activation a = active;
        if (a == null) return;
        if (!a.has(F_MULTIPORT)) {
            if (a.has(F_SIZE)) a.configChanged().run();
            return;
        }
        for (int id = 0; id < ports.size(); id++) {
            if (ports.get(id).ready && ports.get(id).port.console()) controlSize(id);
        }
    }

    @Override
    public synchronized void configWritten(int offset, int size, long value) {
        if (offset != EMERG_WR) return;
        byte[] character = {(byte) value};
        ports.getFirst().port.sink().write(character, 0, 1);
    }

    @Override
    public synchronized void activate(Activation activation) {
        active = activation;
    }

    @Override
    public void queueNotified(int index) {
        Runnable space = serve(index);
        if (space != null) space.run();
    }

    private synchronized @Nullable Runnable serve(int index) {
        Activation a = active;
        if (a == null) return null;
        boolean multiport = a.has(F_MULTIPORT);
        if (!multiport && index > 1) return null;
        if (multiport && index == CONTROL_RECEIVEQ) {
            sendControl();
        } else if (multiport && index == CONTROL_TRANSMITQ) {
            receiveControl(a.queue(CONTROL_TRANSMITQ));
        } else if ((index & 1) == 0) {
            return ports.get(portOf(index)).onSpace;
        } else {
            transmit(a.queue(index), ports.get(portOf(index)).port.sink());
        }
        return null;
    }

    @Override
    public void queueReset(int index) {}

    @Override
    public synchronized void reset() {
        active = null;
        controlOut.clear();
        for (Port p : ports) {
            p.ready = false;
            opened(p, false);
        }
    }

    private static int portOf(int queue) {
        return queue < 2 ? 0 : queue / 2 - 1;
    }

    private static int receiveQueueOf(int port) {
        return port == 0 ? 0 : 2 + 2 * port;
    }

    private @Nullable Virtqueue readyReceiveQueue(int port) {
        Activation a = active;
        if (a == null || port >= ports.size()) return null;
        boolean listening = a.has(F_MULTIPORT) ? ports.get(port).guestOpen : port == 0;
        return listening ? a.queue(receiveQueueOf(port)) : null;
    }

    private void transmit(Virtqueue q, PortSink sink) {
        do {
            for (DescriptorChain c; (c = q.poll()) != null; ) {
                for (long at = 0; at < c.readable().totalBytes(); at += scratch.length) {
                    sink.write(scratch, 0, c.readable().read(at, scratch, 0, scratch.length));
                }
                q.complete(c, 0);
            }
        } while (q.enableNotifications());
        q.notifyDriver();
    }

    private void receiveControl(Virtqueue q) {
        do {
            for (DescriptorChain c; (c = q.poll()) != null; ) {
                if (c.readable().totalBytes() >= CONTROL_BYTES) controlled(c.readable());
                q.complete(c, 0);
            }
        } while (q.enableNotifications());
        q.notifyDriver();
        sendControl();
    }

    /// 5.3.6.2: what the driver says about itself and its ports.
    private void controlled(GuestBuffers message) {
        int id = message.get32(0);
        int event = message.get16(4);
        int value = message.get16(6);
        if (event == DEVICE_READY) {
            if (value == 1) for (int n = 0; n < ports.size(); n++) control(n, DEVICE_ADD, 1);
            return;
        }
        if (id < 0 || id >= ports.size()) return;
        Port p = ports.get(id);
        if (event == PORT_READY && value == 1) {
            p.ready = true;
            if (p.port.console()) {
                control(id, CONSOLE_PORT, 1);
                if (columns > 0) controlSize(id);
            }
            if (!p.port.name().isEmpty()) control(id, PORT_NAME, 1, p.port.name().getBytes(UTF_8));
            if (p.hostOpen) control(id, PORT_OPEN, 1);
        } else if (event == PORT_OPEN) {
            opened(p, value == 1);
        }
    }

    private static void opened(Port p, boolean open) {
        if (p.guestOpen == open) return;
        p.guestOpen = open;
        p.port.sink().guestOpened(open);
    }

    private void controlSize(int id) {
        control(id, RESIZE, 0, new byte[] {(byte) rows, (byte) (rows >> 8), (byte) columns, (byte) (columns >> 8)});
    }

    private void control(int id, int event, int value, byte... more) {
        Activation a = active;
        if (a == null || !a.has(F_MULTIPORT)) return;
        ByteBuffer message = ByteBuffer.allocate(CONTROL_BYTES + more.length).order(ByteOrder.LITTLE_ENDIAN);
        controlOut.add(message.putInt(id).putShort((short) event).putShort((short) value).put(more).array());
        sendControl();
    }

    private void sendControl() {
        Activation a = active;
        if (a == null || controlOut.isEmpty()) return;
        Virtqueue q = a.queue(CONTROL_RECEIVEQ);
        while (!controlOut.isEmpty()) {
            DescriptorChain c = q.poll();
            if (c == null && q.enableNotifications()) continue;
            if (c == null) break;
            byte[] message = controlOut.remove();
            q.complete(c, c.writable().write(0, message, 0, message.length));
        }
        q.notifyDriver();
    }
}
