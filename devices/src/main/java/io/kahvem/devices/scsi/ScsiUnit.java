package io.kahvem.devices.scsi;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.host.Errno;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// A logical unit: what disk and CD-ROM have in common (SPC-4; block addresses as SBC-3 has them).
///
/// Any thread, several commands at once.
public abstract sealed class ScsiUnit permits ScsiDisk, ScsiCdRom {
    // Operation codes
    static final int TEST_UNIT_READY = 0x00;
    static final int REQUEST_SENSE = 0x03;
    static final int READ_6 = 0x08;
    static final int WRITE_6 = 0x0a;
    static final int INQUIRY = 0x12;
    static final int MODE_SELECT_6 = 0x15;
    static final int MODE_SENSE_6 = 0x1a;
    static final int START_STOP_UNIT = 0x1b;
    static final int PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e;
    static final int READ_CAPACITY_10 = 0x25;
    static final int READ_10 = 0x28;
    static final int WRITE_10 = 0x2a;
    static final int SEEK_10 = 0x2b;
    static final int WRITE_AND_VERIFY_10 = 0x2e;
    static final int VERIFY_10 = 0x2f;
    static final int SYNCHRONIZE_CACHE_10 = 0x35;
    static final int WRITE_SAME_10 = 0x41;
    static final int UNMAP = 0x42;
    static final int READ_TOC = 0x43;
    static final int GET_CONFIGURATION = 0x46;
    static final int GET_EVENT_STATUS_NOTIFICATION = 0x4a;
    static final int READ_DISC_INFORMATION = 0x51;
    static final int MODE_SELECT_10 = 0x55;
    static final int MODE_SENSE_10 = 0x5a;
    static final int READ_16 = 0x88;
    static final int WRITE_16 = 0x8a;
    static final int VERIFY_16 = 0x8f;
    static final int SYNCHRONIZE_CACHE_16 = 0x91;
    static final int WRITE_SAME_16 = 0x93;
    static final int SERVICE_ACTION_IN_16 = 0x9e;
    static final int REPORT_LUNS = 0xa0;
    static final int READ_12 = 0xa8;
    static final int WRITE_12 = 0xaa;
    static final int MECHANISM_STATUS = 0xbd;
    static final int READ_CD = 0xbe;

    private static final int EVPD = 1;
    private static final int ALL_PAGES = 0x3f;
    private static final String VENDOR = "KAHVEM  ";

    private final int deviceType;
    private final int blockBytes;
    private final String product;
    private final String serial;
    private final AtomicReference<@Nullable Sense> attention = new AtomicReference<>(Sense.POWER_ON_OR_RESET);

    /// @param deviceType SPC-4's peripheral device type
    ScsiUnit(int deviceType, int blockBytes, String product, String serial) {
        this.deviceType = deviceType;
        this.blockBytes = blockBytes;
        this.product = product;
        this.serial = serial;
    }

    public final int blockBytes() {
        return blockBytes;
    }

    public final String serial() {
        return serial;
    }

    /// Runs a command, which ends with [ScsiTask#done] within this call or later.
    public final void start(ScsiTask task) {
        task.begin(this);
        int op = task.cdb8(0);
        if (op == INQUIRY) {
            inquiry(task);
        } else if (op == REQUEST_SENSE) {
            Sense pending = attention.getAndSet(null);
            task.reply((pending == null ? Sense.NONE : pending).fixed(), task.cdb8(4));
        } else if (op == REPORT_LUNS) {
            byte[] one = new byte[16];
            one[3] = 8;
            task.reply(one, task.cdb32(6) & Integer.MAX_VALUE);
        } else {
            Sense pending = op == GET_EVENT_STATUS_NOTIFICATION || op == GET_CONFIGURATION ? null : attention.getAndSet(null);
            if (pending == null) {
                perform(task, op);
            } else {
                task.fail(pending);
            }
        }
    }

    /// The machine's or the controller's reset.
    public void reset() {
        attention.set(Sense.POWER_ON_OR_RESET);
    }

    /// Waits until no command is under way; the caller starts none meanwhile.
    public final void drain() {
        BlockBackend medium = medium();
        if (medium != null) medium.drain();
    }

    /// What the next command is to fail with once.
    final void attend(Sense what) {
        attention.set(what);
    }

    /// What is read and written, or null where there is nothing.
    abstract @Nullable BlockBackend medium();

    abstract void perform(ScsiTask task, int op);

    /// A mode page with its header of two bytes, or null where there is no such page.
    abstract byte @Nullable [] modePage(int page, boolean changeable);

    abstract int[] modePages();

    /// The device-specific parameter of the mode parameter header.
    abstract int modeParameter();

    /// A page of vital product data after its header of four bytes, or null.
    abstract byte @Nullable [] vitalPage(int page);

    abstract int[] vitalPages();

    final long blocks() {
        BlockBackend medium = medium();
        return medium == null ? 0 : medium.sizeBytes() / blockBytes;
    }

    /// Starts a transfer of whole blocks, as many as the guest's buffers hold at most.
    final void transfer(ScsiTask task, Operation operation, long lba, long count, boolean durable) {
        BlockBackend medium = medium();
        if (medium == null) {
            task.fail(Sense.MEDIUM_NOT_PRESENT);
            return;
        }
        if (!inside(lba, count)) {
            task.fail(Sense.LBA_OUT_OF_RANGE);
            return;
        }
        boolean read = operation == Operation.READ;
        if (!read && medium.isReadOnly()) {
            task.fail(Sense.WRITE_PROTECTED);
            return;
        }
        var buffers = read ? task.dataIn() : task.dataOut();
        long bytes = Math.min(count * blockBytes, buffers.totalBytes());
        if (bytes == 0) {
            task.succeed(0);
            return;
        }
        task.begin(operation, lba * blockBytes);
        buffers.addTo(task, 0, bytes);
        if (!read) task.setDurable(durable);
        medium.submit(task);
    }

    final boolean inside(long lba, long count) {
        long blocks = blocks();
        return lba >= 0 && lba <= blocks && count >= 0 && count <= blocks - lba;
    }

    /// A block request has ended; a command of several goes on.
    void blockCompleted(ScsiTask task, int errno) {
        if (errno != 0) {
            boolean noSpace = errno == Errno.ENOSPC;
            task.fail(task.operation() == Operation.READ ? Sense.READ_ERROR : noSpace ? Sense.SPACE_ALLOCATION_FAILED : Sense.WRITE_ERROR);
            return;
        }
        switch (task.operation()) {
            case READ -> {
                task.dataIn().written(0, task.length());
                task.succeed(task.length());
            }
            case WRITE -> task.succeed(task.length());
            case FLUSH, DISCARD, WRITE_ZEROES -> task.succeed(0);
        }
    }

    final void readCapacity10(ScsiTask task) {
        if (medium() == null) {
            task.fail(Sense.MEDIUM_NOT_PRESENT);
            return;
        }
        long last = Math.min(Math.max(blocks() - 1, 0), 0xffff_ffffL);
        task.reply(ByteBuffer.allocate(8).putInt((int) last).putInt(blockBytes).array(), 8);
    }

    private void inquiry(ScsiTask task) {
        int allocation = task.cdb16(3);
        int page = task.cdb8(2);
        if ((task.cdb8(1) & EVPD) == 0) {
            if (page != 0) {
                task.fail(Sense.INVALID_FIELD_IN_CDB);
                return;
            }
            ByteBuffer data = ByteBuffer.allocate(36);
            data.put((byte) deviceType).put((byte) (deviceType == ScsiCdRom.TYPE ? 0x80 : 0));
            data.put((byte) 5).put((byte) 0x12).put((byte) 31).put(new byte[] {0, 0, 2});
            task.reply(data.put(text(VENDOR, 8)).put(text(product, 16)).put(text("1.0", 4)).array(), allocation);
            return;
        }
        byte[] content = switch (page) {
            case 0x00 -> {
                byte[] pages = new byte[3 + vitalPages().length];
                pages[1] = (byte) 0x80;
                pages[2] = (byte) 0x83;
                for (int n = 0; n < vitalPages().length; n++) pages[3 + n] = (byte) vitalPages()[n];
                yield pages;
            }
            case 0x80 -> serial.getBytes(US_ASCII);
            case 0x83 -> {
                byte[] id = (VENDOR + serial).getBytes(US_ASCII);
                // code set ASCII, designator type T10 vendor ID (SPC-4, 7.8.5)
                yield ByteBuffer.allocate(4 + id.length).put((byte) 2).put((byte) 1).put((byte) 0).put((byte) id.length).put(id).array();
            }
            default -> vitalPage(page);
        };
        if (content == null) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        ByteBuffer data = ByteBuffer.allocate(4 + content.length);
        task.reply(data.put((byte) deviceType).put((byte) page).putShort((short) content.length).put(content).array(), allocation);
    }

    /// SPC-4, 6.11 and 6.12.
    final void modeSense(ScsiTask task, boolean ten) {
        int control = task.cdb8(2) >> 6;
        int page = task.cdb8(2) & 0x3f;
        int allocation = ten ? task.cdb16(7) : task.cdb8(4);
        if (control == 3) {
            task.fail(Sense.SAVING_NOT_SUPPORTED);
            return;
        }
        ByteBuffer data = ByteBuffer.allocate(512);
        data.position(ten ? 8 : 4);
        int descriptor = (task.cdb8(1) & 8) != 0 || deviceType == ScsiCdRom.TYPE ? 0 : 8;
        if (descriptor > 0) data.putInt((int) Math.min(blocks(), 0xffff_ffffL)).putInt(blockBytes);
        boolean found = false;
        for (int each : modePages()) {
            if (page != ALL_PAGES && page != each) continue;
            byte[] content = modePage(each, control == 1);
            if (content == null) continue;
            data.put(content);
            found = true;
        }
        if (!found) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        int length = data.position();
        if (ten) {
            data.putShort(0, (short) (length - 2)).put(3, (byte) modeParameter()).putShort(6, (short) descriptor);
        } else {
            data.put(0, (byte) (length - 1)).put(2, (byte) modeParameter()).put(3, (byte) descriptor);
        }
        task.reply(Arrays.copyOf(data.array(), length), allocation);
    }

    static byte[] text(String text, int length) {
        byte[] padded = new byte[length];
        Arrays.fill(padded, (byte) ' ');
        byte[] bytes = text.toUpperCase(Locale.ROOT).getBytes(US_ASCII);
        System.arraycopy(bytes, 0, padded, 0, Math.min(length, bytes.length));
        return padded;
    }
}
