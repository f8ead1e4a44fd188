package io.kahvem.devices.virtio.blk;

import io.kahvem.block.BlockRequest;
import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.devices.virtio.queue.DescriptorChain;
import io.kahvem.devices.virtio.queue.Virtqueue;
import org.jspecify.annotations.Nullable;

/// A request of the driver's on its way through the disk (virtio 1.2, 5.2.6). One for each chain of each queue, used again and again.
final class VirtioBlkRequest extends BlockRequest {
    static final int ID_BYTES = 20;

    /// The most a DISCARD or WRITE_ZEROES may mean: 2 GiB.
    static final int MOST_SECTORS = 1 << 22;

    private static final int SECTOR = 512;

    /// struct virtio_blk_req: le32 type, le32 reserved, le64 sector.
    private static final int HEADER_BYTES = 16;

    private static final int T_IN = 0;
    private static final int T_OUT = 1;
    private static final int T_FLUSH = 4;
    private static final int T_GET_ID = 8;
    private static final int T_DISCARD = 11;
    private static final int T_WRITE_ZEROES = 13;

    private static final int S_OK = 0;
    private static final int S_IOERR = 1;
    private static final int S_UNSUPP = 2;

    /// struct virtio_blk_discard_write_zeroes: le64 sector, le32 num_sectors, le32 flags.
    private static final int SEGMENT_BYTES = 16;
    private static final int FLAG_UNMAP = 1;

    private final VirtioBlk device;
    private @Nullable Virtqueue queue;
    private @Nullable DescriptorChain chain;
    private long dataBytes;

    VirtioBlkRequest(VirtioBlk device) {
        this.device = device;
    }

    /// Submits it; true where it is completed already, and the driver is to be told.
    boolean start(Virtqueue q, DescriptorChain c) {
        queue = q;
        chain = c;
        dataBytes = 0;
        if (c.readable().totalBytes() < HEADER_BYTES || c.writable().totalBytes() < 1) {
            q.refuse("a block request without its header or its status byte");
            return false;
        }
        long sector = c.readable().get64(8);
        return switch (c.readable().get32(0)) {
            case T_IN -> transfer(Operation.READ, sector, c.writable(), 0, c.writable().totalBytes() - 1);
            case T_OUT -> transfer(Operation.WRITE, sector, c.readable(), HEADER_BYTES, c.readable().totalBytes() - HEADER_BYTES);
            case T_FLUSH -> {
                begin(Operation.FLUSH, 0);
                yield submit();
            }
            case T_GET_ID -> {
                int told = c.writable().write(0, device.serial(), 0, (int) Math.min(ID_BYTES, c.writable().totalBytes() - 1));
                dataBytes = told;
                yield finish(S_OK);
            }
            case T_DISCARD -> range(Operation.DISCARD, c.readable());
            case T_WRITE_ZEROES -> range(Operation.WRITE_ZEROES, c.readable());
            default -> finish(S_UNSUPP);
        };
    }

    private boolean transfer(Operation operation, long sector, GuestBuffers data, long from, long bytes) {
        if (bytes % SECTOR != 0 || !inside(sector, bytes / SECTOR)) return finish(S_IOERR);
        if (operation == Operation.WRITE && device.disk().isReadOnly()) return finish(S_IOERR);
        begin(operation, sector * SECTOR);
        data.addTo(this, from, bytes);
        if (operation == Operation.READ) {
            dataBytes = bytes;
        } else {
            setDurable(device.writeThrough());
        }
        return submit();
    }

    private boolean range(Operation operation, GuestBuffers data) {
        if (data.totalBytes() != HEADER_BYTES + SEGMENT_BYTES) return finish(S_UNSUPP);
        long sector = data.get64(HEADER_BYTES);
        long count = data.get32(HEADER_BYTES + 8) & 0xffff_ffffL;
        int flags = data.get32(HEADER_BYTES + 12);
        boolean unmap = flags == FLAG_UNMAP && operation == Operation.WRITE_ZEROES;
        if (flags != 0 && !unmap) return finish(S_UNSUPP);
        if (count > MOST_SECTORS || !inside(sector, count) || device.disk().isReadOnly()) return finish(S_IOERR);
        begin(operation, sector * SECTOR);
        setLength(count * SECTOR);
        setMayUnmap(unmap);
        setDurable(device.writeThrough() && operation == Operation.WRITE_ZEROES);
        return submit();
    }

    private boolean inside(long sector, long count) {
        long sectors = device.disk().sizeBytes() / SECTOR;
        return sector >= 0 && sector <= sectors && count <= sectors - sector;
    }

    private boolean submit() {
        if (device.disk().readAtOnce(this)) return finish(S_OK);
        device.disk().submit(this);
        return false;
    }

    @Override
    protected void completed(int errno) {
        finish(errno == 0 ? S_OK : S_IOERR);
    }

    @Override
    protected Runnable announcement() {
        Virtqueue q = queue;
        return q == null ? NO_ANNOUNCEMENT : q.notification();
    }

    private boolean finish(int status) {
        Virtqueue q = queue;
        DescriptorChain c = chain;
        if (q == null || c == null) throw new AssertionError("a request that was not started");
        GuestBuffers out = c.writable();
        if (operation() == Operation.READ) out.written(0, dataBytes);
        out.put8(out.totalBytes() - 1, status);
        q.complete(c, dataBytes + 1);
        return true;
    }
}
