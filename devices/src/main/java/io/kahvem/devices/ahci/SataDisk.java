package io.kahvem.devices.ahci;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockRequest;
import io.kahvem.block.BlockRequest.Operation;
import org.jspecify.annotations.Nullable;

/// A disk at a port (ATA8-ACS): 48-bit addresses, native command queuing, a write cache, TRIM.
public final class SataDisk extends SataDevice {
    private static final int SIGNATURE = 0x0000_0101;
    private static final int SECTOR = 512;
    private static final int QUEUE_DEPTH = 31;
    private static final int MOST_MULTIPLE = 16;
    private static final int DEVICE_LBA = 0x40;
    private static final int FUA = 0x80;

    private static final int CMD_NOP = 0x00;
    private static final int CMD_DATA_SET_MANAGEMENT = 0x06;
    private static final int CMD_READ_SECTORS = 0x20;
    private static final int CMD_READ_SECTORS_EXT = 0x24;
    private static final int CMD_READ_DMA_EXT = 0x25;
    private static final int CMD_READ_NATIVE_MAX_EXT = 0x27;
    private static final int CMD_READ_MULTIPLE_EXT = 0x29;
    private static final int CMD_READ_LOG_EXT = 0x2f;
    private static final int CMD_WRITE_SECTORS = 0x30;
    private static final int CMD_WRITE_SECTORS_EXT = 0x34;
    private static final int CMD_WRITE_DMA_EXT = 0x35;
    private static final int CMD_WRITE_MULTIPLE_EXT = 0x39;
    private static final int CMD_WRITE_DMA_FUA_EXT = 0x3d;
    private static final int CMD_READ_VERIFY = 0x40;
    private static final int CMD_READ_VERIFY_EXT = 0x42;
    private static final int CMD_READ_FPDMA_QUEUED = 0x60;
    private static final int CMD_WRITE_FPDMA_QUEUED = 0x61;
    private static final int CMD_INITIALIZE_PARAMETERS = 0x91;
    private static final int CMD_READ_MULTIPLE = 0xc4;
    private static final int CMD_WRITE_MULTIPLE = 0xc5;
    private static final int CMD_SET_MULTIPLE_MODE = 0xc6;
    private static final int CMD_READ_DMA = 0xc8;
    private static final int CMD_WRITE_DMA = 0xca;
    private static final int CMD_READ_NATIVE_MAX = 0xf8;

    private static final int FEATURE_TRIM = 1;
    private static final int RANGE_BYTES = 8;
    private static final int LOG_DIRECTORY = 0x00;
    private static final int LOG_NCQ_ERROR = 0x10;

    private final BlockBackend disk;
    private final String serial;
    private final @Nullable Request[] requests = new Request[AhciPort.SLOTS];
    private volatile boolean writeCache = true;
    private volatile int multiple = MOST_MULTIPLE;

    /// Of the queued command that failed last, for the log of NCQ errors.
    private volatile int failedTag;

    public SataDisk(BlockBackend disk, String serial) {
        this.disk = disk;
        this.serial = serial;
    }

    /// A command on its way through the disk.
    private final class Request extends BlockRequest {
        private final CommandSlot slot;
        private boolean pio;

        /// Of a TRIM: which range is next, and how many there are.
        private long range;

        private long ranges;

        private Request(CommandSlot slot) {
            this.slot = slot;
        }

        @Override
        protected void completed(int errno) {
            if (errno != 0) {
                if (slot.isQueued()) failedTag = slot.tag();
                slot.fail(operation() == Operation.READ ? UNC : ABRT);
                return;
            }
            if (operation() == Operation.DISCARD) {
                trimNext(this);
                return;
            }
            if (operation() == Operation.READ) slot.data().written(0, length());
            if (pio) {
                slot.succeedPio(length());
            } else {
                slot.succeed(length());
            }
        }
    }

    @Override
    int signature() {
        return SIGNATURE;
    }

    @Override
    int resetStatus() {
        return READY;
    }

    @Override
    void reset() {
        writeCache = true;
        multiple = MOST_MULTIPLE;
    }

    @Override
    void drain() {
        disk.drain();
    }

    @Override
    void start(CommandSlot slot) {
        switch (slot.command()) {
            case CMD_READ_FPDMA_QUEUED -> transfer(slot, Operation.READ, slot.lba48(), all(slot.features(), 0x1_0000), false);
            case CMD_WRITE_FPDMA_QUEUED ->
                transfer(slot, Operation.WRITE, slot.lba48(), all(slot.features(), 0x1_0000), (slot.device() & FUA) != 0);
            case CMD_READ_DMA -> transfer28(slot, Operation.READ);
            case CMD_READ_SECTORS, CMD_READ_MULTIPLE -> transfer28(slot, Operation.READ);
            case CMD_WRITE_DMA, CMD_WRITE_SECTORS, CMD_WRITE_MULTIPLE -> transfer28(slot, Operation.WRITE);
            case CMD_READ_DMA_EXT, CMD_READ_SECTORS_EXT, CMD_READ_MULTIPLE_EXT ->
                transfer(slot, Operation.READ, slot.lba48(), all(slot.count(), 0x1_0000), false);
            case CMD_WRITE_DMA_EXT, CMD_WRITE_SECTORS_EXT, CMD_WRITE_MULTIPLE_EXT ->
                transfer(slot, Operation.WRITE, slot.lba48(), all(slot.count(), 0x1_0000), false);
            case CMD_WRITE_DMA_FUA_EXT -> transfer(slot, Operation.WRITE, slot.lba48(), all(slot.count(), 0x1_0000), true);
            case CMD_READ_VERIFY -> verify(slot, slot.lba28(), all(slot.count() & 0xff, 0x100));
            case CMD_READ_VERIFY_EXT -> verify(slot, slot.lba48(), all(slot.count(), 0x1_0000));
            case CMD_FLUSH_CACHE, CMD_FLUSH_CACHE_EXT -> {
                Request request = request(slot);
                request.begin(Operation.FLUSH, 0);
                disk.submit(request);
            }
            case CMD_DATA_SET_MANAGEMENT -> trim(slot);
            case CMD_IDENTIFY_DEVICE -> slot.reply(identify());
            case CMD_READ_LOG_EXT -> readLog(slot);
            case CMD_SET_MULTIPLE_MODE -> {
                int sectors = slot.count() & 0xff;
                if (sectors > MOST_MULTIPLE || Integer.bitCount(sectors) > 1) {
                    slot.fail(ABRT);
                } else {
                    multiple = sectors;
                    slot.succeed(0);
                }
            }
            case CMD_READ_NATIVE_MAX -> {
                slot.resultLba = Math.min(sectors(), 1 << 28) - 1;
                slot.succeed(0);
            }
            case CMD_READ_NATIVE_MAX_EXT -> {
                slot.resultLba = sectors() - 1;
                slot.succeed(0);
            }
            case CMD_SET_FEATURES -> setFeatures(slot);
            case CMD_INITIALIZE_PARAMETERS -> slot.succeed(0);
            case CMD_NOP -> slot.fail(ABRT);
            default -> {
                if (!startCommon(slot)) slot.fail(ABRT);
            }
        }
    }

    /// A count of 0 means the most there can be.
    private static long all(int count, long most) {
        return count == 0 ? most : count;
    }

    private long sectors() {
        return disk.sizeBytes() / SECTOR;
    }

    private Request request(CommandSlot slot) {
        Request request = requests[slot.tag()];
        if (request == null) requests[slot.tag()] = request = new Request(slot);
        return request;
    }

    private void transfer28(CommandSlot slot, Operation operation) {
        if ((slot.device() & DEVICE_LBA) == 0) {
            slot.fail(ABRT); // cylinders, heads and sectors are of the past
        } else {
            transfer(slot, operation, slot.lba28(), all(slot.count() & 0xff, 0x100), false);
        }
    }

    private void transfer(CommandSlot slot, Operation operation, long lba, long count, boolean fua) {
        long bytes = count * SECTOR;
        if (lba + count > sectors()) {
            refuse(slot, IDNF);
        } else if (slot.data().totalBytes() < bytes || operation == Operation.WRITE && disk.isReadOnly()) {
            refuse(slot, ABRT);
        } else {
            Request request = request(slot);
            request.begin(operation, lba * SECTOR);
            slot.data().addTo(request, 0, bytes);
            request.pio = switch (slot.command()) {
                case CMD_READ_SECTORS, CMD_READ_SECTORS_EXT, CMD_READ_MULTIPLE, CMD_READ_MULTIPLE_EXT -> true;
                default -> false;
            };
            if (operation == Operation.WRITE) request.setDurable(fua || !writeCache);
            disk.submit(request);
        }
    }

    private void refuse(CommandSlot slot, int error) {
        if (slot.isQueued()) failedTag = slot.tag();
        slot.fail(error);
    }

    private void verify(CommandSlot slot, long lba, long count) {
        if (lba + count > sectors()) {
            slot.fail(IDNF);
        } else {
            slot.succeed(0);
        }
    }

    /// ATA8-ACS, 7.10: ranges of 48 bits of LBA and 16 of count, one after the other.
    private void trim(CommandSlot slot) {
        long bytes = (long) slot.count() * SECTOR;
        if ((slot.features() & 0xff) != FEATURE_TRIM || bytes == 0 || slot.data().totalBytes() < bytes || disk.isReadOnly()) {
            slot.fail(ABRT);
            return;
        }
        Request request = request(slot);
        request.pio = false;
        request.range = 0;
        request.ranges = bytes / RANGE_BYTES;
        trimNext(request);
    }

    private void trimNext(Request request) {
        CommandSlot slot = request.slot;
        while (request.range < request.ranges) {
            long range = slot.data().get64(request.range++ * RANGE_BYTES);
            long lba = range & (1L << 48) - 1;
            long count = range >>> 48;
            if (count == 0) continue;
            if (lba + count > sectors()) {
                slot.fail(IDNF);
                return;
            }
            request.begin(Operation.DISCARD, lba * SECTOR);
            request.setLength(count * SECTOR);
            disk.submit(request);
            return;
        }
        slot.succeed(0);
    }

    private void readLog(CommandSlot slot) {
        byte[] page = new byte[SECTOR];
        switch ((int) slot.lba28() & 0xff) {
            case LOG_DIRECTORY -> {
                page[0] = 1;
                page[2 * LOG_NCQ_ERROR] = 1;
            }
            case LOG_NCQ_ERROR -> {
                page[0] = (byte) failedTag;
                page[2] = READY | ERR;
                page[3] = ABRT;
                int sum = 0;
                for (byte b : page) sum += b;
                page[SECTOR - 1] = (byte) -sum;
            }
            default -> {
                slot.fail(ABRT);
                return;
            }
        }
        slot.reply(page);
    }

    private void setFeatures(CommandSlot slot) {
        switch (slot.features() & 0xff) {
            case 0x02 -> writeCache = true;
            case 0x82 -> writeCache = false;
            case 0x03, 0x10, 0x90, 0x55, 0xaa, 0x66, 0xcc -> {} // transfer mode, SATA features, look-ahead, what a reset keeps
            default -> {
                slot.fail(ABRT);
                return;
            }
        }
        slot.succeed(0);
    }

    /// ATA8-ACS, 7.16.
    private byte[] identify() {
        int[] w = new int[256];
        long sectors = sectors();
        w[0] = 0x0040;
        w[1] = Math.clamp(sectors / (16 * 63), 1, 16383);
        w[3] = 16;
        w[6] = 63;
        text(w, 10, 10, serial);
        text(w, 23, 4, "1.0");
        text(w, 27, 20, "KAHVEM HARDDISK");
        w[47] = 0x8000 | MOST_MULTIPLE;
        w[49] = 0x0f00;
        w[50] = 0x4000;
        w[53] = 7;
        w[54] = w[1];
        w[55] = w[3];
        w[56] = w[6];
        long chs = (long) w[1] * w[3] * w[6];
        w[57] = (int) chs & 0xffff;
        w[58] = (int) (chs >> 16);
        w[59] = 0x0100 | multiple;
        long lba28 = Math.min(sectors, (1 << 28) - 1);
        w[60] = (int) lba28 & 0xffff;
        w[61] = (int) (lba28 >> 16);
        w[63] = 7;
        w[64] = 3;
        for (int n = 65; n <= 68; n++) w[n] = 120;
        w[69] = 0x4000; // trimmed data reads the same each time
        w[75] = QUEUE_DEPTH;
        w[76] = 0x010e; // NCQ; 1.5, 3 and 6 Gb/s
        w[80] = 0x01f0;
        w[82] = 0x4020;
        w[83] = 0x7400; // flushes, 48-bit addresses
        w[84] = 0x4040; // FUA
        w[85] = 0x4000 | (writeCache ? 0x20 : 0);
        w[86] = 0x3400;
        w[87] = 0x4040;
        w[88] = 0x203f;
        for (int n = 0; n < 4; n++) w[100 + n] = (int) (sectors >> 16 * n) & 0xffff;
        w[105] = 8;
        w[106] = 0x6000 | Integer.numberOfTrailingZeros(Math.max(SECTOR, disk.preferredAlignment()) / SECTOR);
        w[169] = disk.isReadOnly() ? 0 : 1;
        w[217] = 1; // does not rotate
        byte[] bytes = bytes(w);
        bytes[510] = (byte) 0xa5;
        int sum = 0;
        for (byte b : bytes) sum += b;
        bytes[511] = (byte) -sum;
        return bytes;
    }
}
