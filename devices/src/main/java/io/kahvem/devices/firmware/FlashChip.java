package io.kahvem.devices.firmware;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import io.kahvem.host.HostMemory;
import io.kahvem.host.Mapping;
import io.kahvem.host.Words;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// NOR flash memory that firmware keeps its variables in: Intel's basic command set (CFI command set 1, Intel's application note 646), byte
/// wide, in blocks of 4 KiB, as QEMU has it for OVMF. While it shows its content it is read-only memory to the guest; a write is a command.
///
/// Programming stores what it is given, as QEMU's does, also where a bit was 0.
///
/// Lock: its own monitor, before the memory's; what was changed is stored under it.
public final class FlashChip implements IoDevice, Device {
    public static final int BLOCK = 4096;

    // Commands.
    private static final int BYTE_PROGRAM = 0x10;
    private static final int BLOCK_ERASE = 0x20;
    private static final int BYTE_PROGRAM_TOO = 0x40;
    private static final int CLEAR_STATUS = 0x50;
    private static final int LOCK = 0x60;
    private static final int READ_STATUS = 0x70;
    private static final int READ_IDENTIFIERS = 0x90;
    private static final int READ_QUERY = 0x98;
    private static final int CONFIRM = 0xd0;
    private static final int BUFFERED_PROGRAM = 0xe8;
    private static final int READ_ARRAY = 0xff;

    // Status register.
    private static final int READY = 0x80;
    private static final int ERASE_FAILED = 0x20;
    private static final int PROGRAM_FAILED = 0x10;

    private static final int MANUFACTURER = 0x89;
    private static final int DEVICE = 0x18;
    private static final int BUFFER_BYTES = 1 << 11;

    /// Keeps what was changed.
    @FunctionalInterface
    public interface Store {
        /// Returns when it is kept.
        void save(long offset, MemorySegment bytes);
    }

    private enum Mode {
        ARRAY,
        STATUS,
        IDENTIFIERS,
        QUERY,
        PROGRAM,
        ERASE,
        LOCK,
        BUFFER_COUNT,
        BUFFER_DATA,
        BUFFER_CONFIRM
    }

    private final GuestMemory memory;
    private final long base;
    private final Mapping content;
    private final Store store;
    private @Nullable MemorySlot shown;
    private Mode mode = Mode.STATUS;
    private int status = READY;
    private int bufferLeft;
    private long changedFrom = Long.MAX_VALUE;
    private long changedTo;

    /// @param base where it is
    /// @param content what it holds, whole blocks
    public FlashChip(GuestMemory memory, long base, Mapping content, Store store) {
        if (content.sizeBytes() % BLOCK != 0) throw new IllegalArgumentException("flash of %d bytes".formatted(content.sizeBytes()));
        this.memory = memory;
        this.base = base;
        this.content = content;
        this.store = store;
        showArray();
    }

    @Override
    public synchronized void reset() {
        status = READY;
        showArray();
    }

    private void showArray() {
        save();
        mode = Mode.ARRAY;
        if (shown == null) shown = memory.add(base, content.slice(0, content.sizeBytes()), true);
    }

    private void hideArray(Mode next) {
        mode = next;
        MemorySlot slot = shown;
        shown = null;
        if (slot != null) memory.remove(slot);
    }

    /// What was changed and is not kept yet, is.
    public synchronized void save() {
        if (changedFrom >= changedTo) return;
        store.save(changedFrom, HostMemory.at(content.address() + changedFrom, changedTo - changedFrom));
        changedFrom = Long.MAX_VALUE;
        changedTo = 0;
    }

    @Override
    public synchronized long read(long offset, int size) {
        return switch (mode) {
            case ARRAY -> array(offset, size);
            case STATUS, PROGRAM, ERASE, LOCK, BUFFER_COUNT, BUFFER_DATA, BUFFER_CONFIRM -> status;
            case IDENTIFIERS -> switch ((int) offset & 0xff) {
                case 0 -> MANUFACTURER;
                case 1 -> DEVICE;
                default -> 0;
            };
            case QUERY -> query((int) offset & 0xff);
        };
    }

    /// Of a vCPU that was on its way here while another one changed the mode.
    private long array(long offset, int size) {
        long value = 0;
        for (int n = 0; n < size && offset + n < content.sizeBytes(); n++) {
            value |= (Words.get8(content.address() + offset + n) & 0xffL) << 8 * n;
        }
        return value;
    }

    /// The common flash interface's table, as far as drivers look: its mark, the command set, size, buffer and blocks.
    private long query(int offset) {
        long blocks = content.sizeBytes() / BLOCK - 1;
        return switch (offset) {
            case 0x10 -> 'Q';
            case 0x11 -> 'R';
            case 0x12 -> 'Y';
            case 0x13 -> 1;
            case 0x15 -> 0x31;
            case 0x27 -> 63 - Long.numberOfLeadingZeros(content.sizeBytes());
            case 0x2a -> Integer.numberOfTrailingZeros(BUFFER_BYTES);
            case 0x2c -> 1;
            case 0x2d -> blocks & 0xff;
            case 0x2e -> blocks >> 8 & 0xff;
            case 0x2f -> BLOCK >> 8 & 0xff;
            case 0x30 -> BLOCK >> 16 & 0xff;
            case 0x31 -> 'P';
            case 0x32 -> 'R';
            case 0x33 -> 'I';
            case 0x34 -> '1';
            default -> 0;
        };
    }

    @Override
    public synchronized void write(long offset, int size, long value) {
        int command = (int) value & 0xff;
        switch (mode) {
            case ARRAY, STATUS, IDENTIFIERS, QUERY -> command(command);
            case PROGRAM -> {
                program(offset, size, value);
                hideArray(Mode.STATUS);
            }
            case ERASE -> {
                if (command == CONFIRM) erase(offset);
                else status |= READY | ERASE_FAILED | PROGRAM_FAILED;
                hideArray(Mode.STATUS);
            }
            case LOCK -> hideArray(Mode.STATUS); // every block is unlocked, and stays so
            case BUFFER_COUNT -> {
                bufferLeft = (int) (value & 0xffff) + 1;
                mode = Mode.BUFFER_DATA;
            }
            case BUFFER_DATA -> {
                program(offset, size, value);
                bufferLeft -= size;
                if (bufferLeft <= 0) mode = Mode.BUFFER_CONFIRM;
            }
            case BUFFER_CONFIRM -> {
                if (command != CONFIRM) status |= READY | ERASE_FAILED | PROGRAM_FAILED;
                hideArray(Mode.STATUS);
            }
        }
    }

    private void command(int command) {
        switch (command) {
            case READ_ARRAY -> showArray();
            case CLEAR_STATUS -> {
                status = 0; // all of it, as OVMF tells flash from memory by
                showArray();
            }
            case READ_STATUS -> hideArray(Mode.STATUS);
            case READ_IDENTIFIERS -> hideArray(Mode.IDENTIFIERS);
            case READ_QUERY -> hideArray(Mode.QUERY);
            case BYTE_PROGRAM, BYTE_PROGRAM_TOO -> hideArray(Mode.PROGRAM);
            case BLOCK_ERASE -> hideArray(Mode.ERASE);
            case LOCK -> hideArray(Mode.LOCK);
            case BUFFERED_PROGRAM -> {
                status |= READY;
                hideArray(Mode.BUFFER_COUNT);
            }
            default -> showArray();
        }
    }

    private void program(long offset, int size, long value) {
        for (int n = 0; n < size && offset + n < content.sizeBytes(); n++) {
            Words.put8(content.address() + offset + n, (byte) (value >>> 8 * n));
        }
        changed(offset, Math.min(size, content.sizeBytes() - offset));
        status |= READY;
    }

    private void erase(long offset) {
        long block = offset / BLOCK * BLOCK;
        Words.fill(content.address() + block, BLOCK, (byte) 0xff);
        changed(block, BLOCK);
        status |= READY;
    }

    private void changed(long offset, long length) {
        changedFrom = Math.min(changedFrom, offset);
        changedTo = Math.max(changedTo, offset + length);
    }
}
