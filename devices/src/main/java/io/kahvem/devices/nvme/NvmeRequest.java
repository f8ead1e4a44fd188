package io.kahvem.devices.nvme;

import io.kahvem.block.BlockRequest;
import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.host.Errno;
import io.kahvem.memory.GuestMemory;

/// A command (NVMe 1.4, 4.2), the memory it moves, and its way through the disk. Its queue uses it again.
final class NvmeRequest extends BlockRequest {
    private static final int PAGE = GuestMemory.PAGE_SIZE;
    private static final int MOST_PIECES = 1024;
    private static final int SGL_DATA_BLOCK = 0;
    private static final int SGL_SEGMENT = 2;
    private static final int SGL_LAST_SEGMENT = 3;
    private static final int SGL_BYTES = 16;
    private static final int RANGE_BYTES = 16;

    private final NvmeController controller;
    private final SubmissionQueue queue;
    private final GuestMemory memory;
    private final int[] words = new int[SubmissionQueue.ENTRY_BYTES / 4];
    private final GuestBuffers data;

    /// Of a dataset management command: which range is next, and how many there are.
    private int range;

    private int ranges;

    NvmeRequest(NvmeController controller, SubmissionQueue queue, GuestMemory memory) {
        this.controller = controller;
        this.queue = queue;
        this.memory = memory;
        this.data = new GuestBuffers(memory, MOST_PIECES);
    }

    void fetch(long gpa) {
        for (int n = 0; n < words.length; n++) words[n] = memory.read32(gpa + 4L * n);
    }

    int opcode() {
        return words[0] & 0xff;
    }

    int cid() {
        return words[0] >>> 16;
    }

    int nsid() {
        return words[1];
    }

    /// Command dword 10 to 15.
    int dword(int number) {
        return words[number];
    }

    long prp1() {
        return quad(6);
    }

    long slba() {
        return quad(10);
    }

    GuestBuffers data() {
        return data;
    }

    private long quad(int word) {
        return words[word] & 0xffff_ffffL | (long) words[word + 1] << 32;
    }

    void end(int status) {
        end(0, status);
    }

    void end(int result, int status) {
        queue.complete(this, result, status == Status.SUCCESS ? status : status | Status.DO_NOT_RETRY);
    }

    /// Finds the memory that `bytes` of data are in; a status other than SUCCESS where that cannot be.
    int mapData(long bytes) {
        data.clear();
        return switch (words[0] >>> 14 & 3) {
            case 0 -> mapPrps(bytes);
            case 1 -> mapSgl(bytes);
            default -> Status.INVALID_FIELD;
        };
    }

    /// 4.3: pages, all but the first whole; where there are more than two, by lists.
    private int mapPrps(long bytes) {
        long first = prp1();
        long left = bytes;
        long piece = Math.min(left, PAGE - (first & PAGE - 1));
        if (!data.add(first, piece, true)) return Status.DATA_TRANSFER_ERROR;
        left -= piece;
        if (left == 0) return Status.SUCCESS;
        long second = quad(8);
        if (left <= PAGE) return addPage(second, left);
        long list = second & ~7L;
        while (left > 0) {
            boolean lastOfPage = (list & PAGE - 1) == PAGE - 8;
            long entry = memory.read64(list);
            if (memory.hva(list, 8) == 0) return Status.DATA_TRANSFER_ERROR;
            if (lastOfPage && left > PAGE) {
                if ((entry & PAGE - 1) != 0) return Status.INVALID_PRP_OFFSET;
                list = entry;
                continue;
            }
            int status = addPage(entry, Math.min(left, PAGE));
            if (status != Status.SUCCESS) return status;
            left -= Math.min(left, PAGE);
            list += 8;
        }
        return Status.SUCCESS;
    }

    private int addPage(long gpa, long bytes) {
        if ((gpa & PAGE - 1) != 0) return Status.INVALID_PRP_OFFSET;
        return data.add(gpa, bytes, true) ? Status.SUCCESS : Status.DATA_TRANSFER_ERROR;
    }

    /// 4.4: a descriptor in the command, which is data or leads to segments of more.
    private int mapSgl(long bytes) {
        long address = quad(6);
        long length = words[8] & 0xffff_ffffL;
        int type = words[9] >>> 28;
        if (type == SGL_DATA_BLOCK) return addBlock(address, length, bytes);
        for (int segments = 0; segments < MOST_PIECES; segments++) {
            if (type != SGL_SEGMENT && type != SGL_LAST_SEGMENT) return Status.SGL_TYPE_INVALID;
            long count = length / SGL_BYTES;
            if (count == 0 || length % SGL_BYTES != 0 || count > MOST_PIECES) return Status.INVALID_SGL_SEGMENT;
            if (memory.hva(address, length) == 0) return Status.DATA_TRANSFER_ERROR;
            boolean last = type == SGL_LAST_SEGMENT;
            long next = 0;
            for (int n = 0; n < count; n++) {
                long at = address + (long) n * SGL_BYTES;
                int kind = memory.read8(at + 15) >> 4;
                if (!last && n == count - 1) {
                    next = at;
                } else if (kind != SGL_DATA_BLOCK) {
                    return Status.SGL_TYPE_INVALID;
                } else if (data.totalBytes() < bytes) {
                    long piece = Math.min(memory.read32(at + 8) & 0xffff_ffffL, bytes - data.totalBytes());
                    if (!data.add(memory.read64(at), piece, true)) return Status.DATA_TRANSFER_ERROR;
                }
            }
            if (last) return data.totalBytes() < bytes ? Status.SGL_LENGTH_INVALID : Status.SUCCESS;
            address = memory.read64(next);
            length = memory.read32(next + 8) & 0xffff_ffffL;
            type = memory.read8(next + 15) >> 4;
        }
        return Status.INVALID_SGL_SEGMENT;
    }

    private int addBlock(long address, long length, long bytes) {
        if (length < bytes) return Status.SGL_LENGTH_INVALID;
        return data.add(address, bytes, true) ? Status.SUCCESS : Status.DATA_TRANSFER_ERROR;
    }

    /// Copies an answer to the host, and ends.
    void reply(byte[] answer, int bytes) {
        int status = mapData(bytes);
        if (status == Status.SUCCESS) data.write(0, answer, 0, bytes);
        end(status);
    }

    /// Begins to deallocate the ranges that the data lists (6.7).
    void deallocate(int count) {
        range = 0;
        ranges = count;
        deallocateNext();
    }

    private void deallocateNext() {
        while (range < ranges) {
            long at = (long) range++ * RANGE_BYTES;
            long blocks = data.get32(at + 4) & 0xffff_ffffL;
            long slba = data.get64(at + 8);
            if (blocks == 0) continue;
            if (!controller.inside(slba, blocks)) {
                end(Status.LBA_OUT_OF_RANGE);
                return;
            }
            begin(Operation.DISCARD, slba * NvmeController.BLOCK);
            setLength(blocks * NvmeController.BLOCK);
            controller.disk().submit(this);
            return;
        }
        end(Status.SUCCESS);
    }

    @Override
    protected void completed(int errno) {
        if (errno != 0) {
            int write = errno == Errno.ENOSPC ? Status.CAPACITY_EXCEEDED : Status.WRITE_FAULT;
            end(operation() == Operation.READ ? Status.UNRECOVERED_READ_ERROR : write);
        } else if (operation() == Operation.DISCARD) {
            deallocateNext();
        } else {
            if (operation() == Operation.READ) data.written(0, length());
            end(Status.SUCCESS);
        }
    }
}
