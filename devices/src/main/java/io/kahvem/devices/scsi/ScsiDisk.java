package io.kahvem.devices.scsi;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockRequest.Operation;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// A disk (SBC-3): blocks of 512 bytes, a write cache, thin provisioning.
public final class ScsiDisk extends ScsiUnit {
    private static final int TYPE = 0;
    private static final int BLOCK = 512;
    private static final int FUA = 1 << 3;
    private static final int BYTCHK = 3 << 1;
    private static final int NDOB = 1;
    private static final int UNMAP_BIT = 1 << 3;
    private static final int ANCHOR = 1 << 4;
    private static final int READ_CAPACITY_16 = 0x10;

    private static final int PAGE_RECOVERY = 0x01;
    private static final int PAGE_CACHING = 0x08;
    private static final int PAGE_CONTROL = 0x0a;
    private static final int[] MODE_PAGES = {PAGE_RECOVERY, PAGE_CACHING, PAGE_CONTROL};
    private static final int WCE = 1 << 2;
    private static final int WRITE_PROTECTED = 0x80;
    private static final int DPOFUA = 0x10;

    private static final int BLOCK_LIMITS = 0xb0;
    private static final int BLOCK_CHARACTERISTICS = 0xb1;
    private static final int PROVISIONING = 0xb2;
    private static final int[] VITAL_PAGES = {BLOCK_LIMITS, BLOCK_CHARACTERISTICS, PROVISIONING};

    private static final long MOST_UNMAPPED = 1 << 22;
    private static final int MOST_DESCRIPTORS = 255;
    private static final long MOST_SAME = 1 << 22;
    private static final int DESCRIPTOR_BYTES = 16;
    private static final int LIST_HEADER_BYTES = 8;

    /// How often one block's memory is in a single request of a WRITE SAME.
    private static final int SAME_AT_ONCE = 64;

    private final BlockBackend disk;
    private volatile boolean writeCache = true;

    public ScsiDisk(BlockBackend disk, String serial) {
        super(TYPE, BLOCK, "HARDDISK", serial);
        this.disk = disk;
        disk.onResize(() -> attend(Sense.CAPACITY_CHANGED));
    }

    @Override
    public void reset() {
        super.reset();
        writeCache = true;
    }

    @Override
    BlockBackend medium() {
        return disk;
    }

    @Override
    void perform(ScsiTask task, int op) {
        switch (op) {
            case TEST_UNIT_READY, START_STOP_UNIT, PREVENT_ALLOW_MEDIUM_REMOVAL, SEEK_10 -> task.succeed(0);
            case MODE_SENSE_6 -> modeSense(task, false);
            case MODE_SENSE_10 -> modeSense(task, true);
            case MODE_SELECT_6 -> modeSelect(task, 4, 3, task.cdb8(4));
            case MODE_SELECT_10 -> modeSelect(task, 8, 7, task.cdb16(7));
            case READ_CAPACITY_10 -> readCapacity10(task);
            case SERVICE_ACTION_IN_16 -> {
                if ((task.cdb8(1) & 0x1f) == READ_CAPACITY_16) {
                    readCapacity16(task);
                } else {
                    task.fail(Sense.INVALID_FIELD_IN_CDB);
                }
            }
            case READ_6 -> transfer(task, Operation.READ, task.cdb32(0) & 0x1f_ffff, count6(task), false);
            case READ_10 -> transfer(task, Operation.READ, lba32(task), task.cdb16(7), false);
            case READ_12 -> transfer(task, Operation.READ, lba32(task), task.cdb32(6) & 0xffff_ffffL, false);
            case READ_16 -> transfer(task, Operation.READ, task.cdb64(2), task.cdb32(10) & 0xffff_ffffL, false);
            case WRITE_6 -> transfer(task, Operation.WRITE, task.cdb32(0) & 0x1f_ffff, count6(task), durable(0));
            case WRITE_10 -> transfer(task, Operation.WRITE, lba32(task), task.cdb16(7), durable(task.cdb8(1)));
            case WRITE_12 -> transfer(task, Operation.WRITE, lba32(task), task.cdb32(6) & 0xffff_ffffL, durable(task.cdb8(1)));
            case WRITE_16 -> transfer(task, Operation.WRITE, task.cdb64(2), task.cdb32(10) & 0xffff_ffffL, durable(task.cdb8(1)));
            case WRITE_AND_VERIFY_10 -> transfer(task, Operation.WRITE, lba32(task), task.cdb16(7), true);
            case VERIFY_10 -> verify(task, lba32(task), task.cdb16(7));
            case VERIFY_16 -> verify(task, task.cdb64(2), task.cdb32(10) & 0xffff_ffffL);
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 -> {
                task.begin(Operation.FLUSH, 0);
                disk.submit(task);
            }
            case WRITE_SAME_10 -> writeSame(task, lba32(task), task.cdb16(7), false);
            case WRITE_SAME_16 -> writeSame(task, task.cdb64(2), task.cdb32(10) & 0xffff_ffffL, (task.cdb8(1) & NDOB) != 0);
            case UNMAP -> unmap(task);
            default -> task.fail(Sense.INVALID_COMMAND);
        }
    }

    private static long lba32(ScsiTask task) {
        return task.cdb32(2) & 0xffff_ffffL;
    }

    private static int count6(ScsiTask task) {
        return task.cdb8(4) == 0 ? 256 : task.cdb8(4);
    }

    private boolean durable(int flags) {
        return !writeCache || (flags & FUA) != 0;
    }

    private void readCapacity16(ScsiTask task) {
        ByteBuffer data = ByteBuffer.allocate(32).putLong(Math.max(blocks() - 1, 0)).putInt(BLOCK);
        int exponent = Integer.numberOfTrailingZeros(Math.max(BLOCK, disk.preferredAlignment()) / BLOCK);
        data.put(13, (byte) exponent).put(14, (byte) (disk.isReadOnly() ? 0 : 0x80));
        task.reply(data.array(), task.cdb32(10) & Integer.MAX_VALUE);
    }

    /// Without a comparison (BYTCHK 0) a verification finds what can be read good.
    private void verify(ScsiTask task, long lba, long count) {
        if ((task.cdb8(1) & BYTCHK) != 0) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (!inside(lba, count)) {
            task.fail(Sense.LBA_OUT_OF_RANGE);
        } else {
            task.succeed(0);
        }
    }

    /// SBC-3, 5.43. A count of 0 means to the end of the disk.
    private void writeSame(ScsiTask task, long lba, long given, boolean zeros) {
        long count = given == 0 ? blocks() - lba : given;
        boolean unmap = (task.cdb8(1) & UNMAP_BIT) != 0;
        if ((task.cdb8(1) & ANCHOR) != 0 || count > MOST_SAME) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (!inside(lba, count)) {
            task.fail(Sense.LBA_OUT_OF_RANGE);
        } else if (disk.isReadOnly()) {
            task.fail(Sense.WRITE_PROTECTED);
        } else if (zeros || isZero(task)) {
            task.begin(Operation.WRITE_ZEROES, lba * BLOCK);
            task.setLength(count * BLOCK);
            task.setMayUnmap(unmap);
            task.setDurable(!writeCache);
            disk.submit(task);
        } else if (task.dataOut().totalBytes() < BLOCK) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else {
            task.position = lba;
            task.left = count;
            writeSameBlocks(task);
        }
    }

    private void writeSameBlocks(ScsiTask task) {
        int now = (int) Math.min(task.left, SAME_AT_ONCE);
        task.begin(Operation.WRITE, task.position * BLOCK);
        for (int n = 0; n < now; n++) task.dataOut().addTo(task, 0, BLOCK);
        task.setDurable(!writeCache);
        task.position += now;
        task.left -= now;
        disk.submit(task);
    }

    private static boolean isZero(ScsiTask task) {
        byte[] block = new byte[BLOCK];
        if (task.dataOut().read(0, block, 0, BLOCK) < BLOCK) return false;
        for (byte b : block) {
            if (b != 0) return false;
        }
        return true;
    }

    /// SBC-3, 5.28: a list of ranges, one after the other. `position` is the next descriptor, `left` how many there are from there.
    private void unmap(ScsiTask task) {
        int listBytes = task.cdb16(7);
        byte[] header = new byte[LIST_HEADER_BYTES];
        if (listBytes == 0) {
            task.succeed(0);
        } else if (disk.isReadOnly()) {
            task.fail(Sense.WRITE_PROTECTED);
        } else if (listBytes < LIST_HEADER_BYTES || task.dataOut().read(0, header, 0, LIST_HEADER_BYTES) < LIST_HEADER_BYTES) {
            task.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
        } else {
            int described = ((header[2] & 0xff) << 8 | header[3] & 0xff) / DESCRIPTOR_BYTES;
            if (described > MOST_DESCRIPTORS || LIST_HEADER_BYTES + described * DESCRIPTOR_BYTES > listBytes) {
                task.fail(Sense.INVALID_FIELD_IN_PARAMETERS);
                return;
            }
            task.position = 0;
            task.left = described;
            unmapNext(task);
        }
    }

    private void unmapNext(ScsiTask task) {
        if (task.left == 0) {
            task.succeed(0);
            return;
        }
        byte[] bytes = new byte[DESCRIPTOR_BYTES];
        task.dataOut().read(LIST_HEADER_BYTES + task.position * DESCRIPTOR_BYTES, bytes, 0, DESCRIPTOR_BYTES);
        ByteBuffer descriptor = ByteBuffer.wrap(bytes);
        long lba = descriptor.getLong(0);
        long count = descriptor.getInt(8) & 0xffff_ffffL;
        task.position++;
        task.left--;
        if (!inside(lba, count)) {
            task.fail(Sense.LBA_OUT_OF_RANGE);
        } else if (count > MOST_UNMAPPED) {
            task.fail(Sense.INVALID_FIELD_IN_PARAMETERS);
        } else {
            task.begin(Operation.DISCARD, lba * BLOCK);
            task.setLength(count * BLOCK);
            disk.submit(task);
        }
    }

    @Override
    void blockCompleted(ScsiTask task, int errno) {
        int op = task.cdb8(0);
        if (errno == 0 && task.operation() == Operation.DISCARD && op == UNMAP) {
            unmapNext(task);
        } else if (errno == 0 && task.left > 0 && (op == WRITE_SAME_10 || op == WRITE_SAME_16)) {
            writeSameBlocks(task);
        } else {
            super.blockCompleted(task, errno);
        }
    }

    /// The write cache is all that can be changed.
    private void modeSelect(ScsiTask task, int headerBytes, int descriptorLength, int listBytes) {
        byte[] list = new byte[Math.min(listBytes, 512)];
        int given = task.dataOut().read(0, list, 0, list.length);
        if (listBytes == 0) {
            task.succeed(0);
            return;
        }
        if (given < headerBytes) {
            task.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return;
        }
        int at = headerBytes + (list[descriptorLength] & 0xff);
        boolean cache = writeCache;
        while (at + 2 <= given) {
            int page = list[at] & 0x3f;
            int length = list[at + 1] & 0xff;
            byte[] current = modePage(page, false);
            if (current == null || current.length != length + 2 || at + 2 + length > given) {
                task.fail(Sense.INVALID_FIELD_IN_PARAMETERS);
                return;
            }
            if (page == PAGE_CACHING) cache = (list[at + 2] & WCE) != 0;
            at += 2 + length;
        }
        writeCache = cache;
        task.succeed(given);
    }

    @Override
    byte @Nullable [] modePage(int page, boolean changeable) {
        return switch (page) {
            case PAGE_RECOVERY -> {
                byte[] recovery = new byte[12];
                recovery[0] = PAGE_RECOVERY;
                recovery[1] = 10;
                if (!changeable) recovery[2] = (byte) 0x80; // AWRE
                yield recovery;
            }
            case PAGE_CACHING -> {
                byte[] caching = new byte[20];
                caching[0] = PAGE_CACHING;
                caching[1] = 18;
                caching[2] = (byte) (changeable || writeCache ? WCE : 0);
                yield caching;
            }
            case PAGE_CONTROL -> {
                byte[] control = new byte[12];
                control[0] = PAGE_CONTROL;
                control[1] = 10;
                if (!changeable) control[3] = 0x10; // unrestricted reordering
                yield control;
            }
            default -> null;
        };
    }

    @Override
    int[] modePages() {
        return MODE_PAGES;
    }

    @Override
    int modeParameter() {
        return DPOFUA | (disk.isReadOnly() ? WRITE_PROTECTED : 0);
    }

    @Override
    byte @Nullable [] vitalPage(int page) {
        int unit = Math.max(BLOCK, disk.preferredAlignment()) / BLOCK;
        return switch (page) {
            case BLOCK_LIMITS -> {
                ByteBuffer limits = ByteBuffer.allocate(60);
                limits.putShort(2, (short) unit);
                limits.putInt(16, (int) MOST_UNMAPPED).putInt(20, MOST_DESCRIPTORS).putInt(24, unit);
                yield limits.putLong(32, MOST_SAME).array();
            }
            case BLOCK_CHARACTERISTICS -> {
                byte[] characteristics = new byte[60];
                characteristics[1] = 1; // does not rotate
                yield characteristics;
            }
            case PROVISIONING -> new byte[] {0, (byte) 0xe0, 2, 0}; // UNMAP and both WRITE SAME; thin
            default -> null;
        };
    }

    @Override
    int[] vitalPages() {
        return VITAL_PAGES;
    }
}
