package io.kahvem.devices.firmware;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import io.kahvem.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// QEMU's firmware configuration device (QEMU's docs/specs/fw_cfg.rst): numbered items, some of them files with names, that firmware reads
/// by a port a byte at a time or by DMA.
///
/// Lock: this object's monitor.
public final class FwCfg implements Device {
    /// Selector, data, and two ports more of no meaning.
    public static final int PORT = 0x510;
    public static final int PORTS = 4;
    public static final int DMA_PORT = 0x514;
    public static final int DMA_PORTS = 8;

    public static final int RAM_SIZE = 0x03;
    public static final int NO_GRAPHIC = 0x04;
    public static final int CPUS = 0x05;
    public static final int BOOT_MENU = 0x0e;
    public static final int MAX_CPUS = 0x0f;
    public static final int FIRST_FILE = 0x20;

    private static final int SIGNATURE = 0x00;
    private static final int ID = 0x01;
    private static final int NUMA = 0x0d;
    private static final int FILE_DIRECTORY = 0x19;
    private static final int IRQ0_OVERRIDE = 0x8002;
    private static final int ID_TRADITIONAL = 1;
    private static final int ID_DMA = 2;
    private static final int NAME_BYTES = 56;
    private static final long DMA_SIGNATURE = 0x51454d55_20434647L; // "QEMU CFG"

    private static final int DMA_ERROR = 1;
    private static final int DMA_READ = 1 << 1;
    private static final int DMA_SKIP = 1 << 2;
    private static final int DMA_SELECT = 1 << 3;
    private static final int DMA_WRITE = 1 << 4;
    private static final int DMA_STRUCTURE_BYTES = 16;
    private static final int CHUNK = 4096;

    private final GuestMemory memory;
    private final Map<Integer, Supplier<byte[]>> items = new HashMap<>();
    private final List<File> files = new ArrayList<>();
    private int selected;
    private byte[] content = {};
    private long position;
    private long dmaAddress;

    private record File(String name, int sizeBytes) {}

    /// @param memory where DMA goes to
    public FwCfg(GuestMemory memory) {
        this.memory = memory;
        item(SIGNATURE, "QEMU".getBytes(StandardCharsets.US_ASCII));
        item(ID, little(4, ID_TRADITIONAL | ID_DMA));
        item(NUMA, little(8, 0));
        item(IRQ0_OVERRIDE, little(1, 1));
        items.put(FILE_DIRECTORY, this::directory);
    }

    /// Sets an item with a fixed number.
    public synchronized void item(int key, byte[] bytes) {
        byte[] copy = bytes.clone();
        items.put(key, () -> copy);
    }

    /// Sets an item to a little-endian number.
    public void number(int key, int bytes, long value) {
        item(key, little(bytes, value));
    }

    /// Adds a file of up to 55 ASCII characters in its name.
    public void file(String name, byte[] bytes) {
        byte[] copy = bytes.clone();
        file(name, copy.length, () -> copy);
    }

    public void file(String name, int bytes, long value) {
        file(name, little(bytes, value));
    }

    /// Adds a file of `sizeBytes` whose content is made when the guest selects it; called under this device's lock.
    public synchronized void file(String name, int sizeBytes, Supplier<byte[]> bytes) {
        if (name.length() >= NAME_BYTES || files.stream().anyMatch(f -> f.name.equals(name))) throw new IllegalArgumentException(name);
        items.put(FIRST_FILE + files.size(), bytes);
        files.add(new File(name, sizeBytes));
    }

    /// The selector (16 bits, at offset 0) and the data (8 bits, at offset 1).
    public IoDevice ports() {
        return new IoDevice() {
            @Override
            public int widestAccess() {
                return 2;
            }

            @Override
            public long read(long offset, int size) {
                return offset == 1 && size == 1 ? next() : 0;
            }

            @Override
            public void write(long offset, int size, long value) {
                if (offset == 0 && size == 2) select((int) value);
            }
        };
    }

    /// The DMA address register, big-endian, of which a write to the second half starts the transfer.
    public IoDevice dmaPorts() {
        return new IoDevice() {
            @Override
            public int widestAccess() {
                return 4;
            }

            @Override
            public long read(long offset, int size) {
                long signature = Long.reverseBytes(DMA_SIGNATURE);
                return signature >>> 8 * offset;
            }

            @Override
            public void write(long offset, int size, long value) {
                if (size == 4) writeAddress((int) offset, Integer.reverseBytes((int) value) & 0xffff_ffffL);
            }
        };
    }

    @Override
    public synchronized void reset() {
        select(SIGNATURE);
        dmaAddress = 0;
    }

    private synchronized void select(int key) {
        selected = key;
        position = 0;
        Supplier<byte[]> item = items.get(selected);
        content = item == null ? new byte[0] : item.get();
    }

    private synchronized int next() {
        return position < content.length ? content[(int) position++] & 0xff : 0;
    }

    private synchronized void writeAddress(int offset, long half) {
        if (offset == 0) {
            dmaAddress = half << 32;
        } else if (offset == 4) {
            long at = dmaAddress | half;
            dmaAddress = 0;
            transfer(at);
        }
    }

    /// FWCfgDmaAccess: control, length, address, all big-endian.
    private void transfer(long at) {
        if (!memory.isRam(at, DMA_STRUCTURE_BYTES)) return; // nowhere to tell of the error
        int control = Integer.reverseBytes(memory.read32(at));
        long length = Integer.reverseBytes(memory.read32(at + 4)) & 0xffff_ffffL;
        long address = Long.reverseBytes(memory.read64(at + 8));
        if ((control & DMA_SELECT) != 0) select(control >>> 16);
        boolean failed = false;
        if ((control & DMA_READ) != 0) {
            failed = !copyOut(address, length);
        } else if ((control & DMA_WRITE) != 0) {
            failed = true; // no item is the guest's to write
        } else if ((control & DMA_SKIP) != 0) {
            position += length;
        }
        memory.write32(at, failed ? Integer.reverseBytes(DMA_ERROR) : 0);
    }

    /// The item from its position on, and zeros behind its end; false where that is not RAM.
    private boolean copyOut(long address, long length) {
        long have = Math.min(length, Math.max(0, content.length - position));
        if (have > 0) {
            if (!memory.isRam(address, have)) return false;
            memory.write(address, content, (int) position, (int) have);
        }
        position += length;
        byte[] zeros = new byte[CHUNK];
        for (long done = have; done < length; ) {
            int chunk = (int) Math.min(CHUNK, length - done);
            if (!memory.isRam(address + done, chunk)) return false;
            memory.write(address + done, zeros, 0, chunk);
            done += chunk;
        }
        return true;
    }

    private byte[] directory() {
        ByteBuffer b = ByteBuffer.allocate(4 + (8 + NAME_BYTES) * files.size());
        b.putInt(files.size());
        for (int i = 0; i < files.size(); i++) {
            byte[] name = files.get(i).name.getBytes(StandardCharsets.US_ASCII);
            b.putInt(files.get(i).sizeBytes).putShort((short) (FIRST_FILE + i)).putShort((short) 0).put(Arrays.copyOf(name, NAME_BYTES));
        }
        return b.array();
    }

    private static byte[] little(int bytes, long value) {
        byte[] result = new byte[bytes];
        for (int i = 0; i < bytes; i++) result[i] = (byte) (value >>> (8 * i));
        return result;
    }
}
