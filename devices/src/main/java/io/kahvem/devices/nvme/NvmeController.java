package io.kahvem.devices.nvme;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.pci.MsiX;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.memory.GuestMemory;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// An NVMe 1.4 controller (as a PCI function) with one namespace of blocks of 512 bytes and up to 64 pairs of I/O queues.
///
/// Lock: this object's `registers` for registers, never held while the disk drains or a queue works; queues have their own.
public final class NvmeController extends PciFunction {
    static final int BLOCK = 512;
    static final int IO_QUEUES = 64;
    static final int MOST_ENTRIES = 1024;

    /// 2^MDTS pages is the most one command moves: 1 MiB.
    static final int MDTS = 8;

    private static final int VENDOR = 0x1b36;
    private static final int DEVICE = 0x0010;
    private static final int CLASS_NVME = 0x01_08_02;
    private static final int REVISION = 2;
    private static final int BAR_BYTES = 0x4000;
    private static final int DOORBELLS = 0x1000;
    private static final int MSIX_OFFSET = 0x2000;

    // 3.1
    private static final int CAP_LOW = 0x00;
    private static final int CAP_HIGH = 0x04;
    private static final int VS = 0x08;
    private static final int INTMS = 0x0c;
    private static final int INTMC = 0x10;
    private static final int CC = 0x14;
    private static final int CSTS = 0x1c;
    private static final int AQA = 0x24;
    private static final int ASQ = 0x28;
    private static final int ACQ = 0x30;

    private static final int CAP_CQR = 1 << 16;
    private static final int CAP_TO = 20 << 24;
    private static final int CAP_CSS_NVM = 1 << 5;
    static final int VERSION = 0x0001_0400;
    private static final int CC_EN = 1;
    private static final int CC_SHN = 3 << 14;
    private static final int CSTS_RDY = 1;
    private static final int CSTS_CFS = 2;
    private static final int CSTS_SHST_COMPLETE = 2 << 2;

    private static final int NVM_FLUSH = 0x00;
    private static final int NVM_WRITE = 0x01;
    private static final int NVM_READ = 0x02;
    private static final int NVM_WRITE_ZEROES = 0x08;
    private static final int NVM_DATASET_MANAGEMENT = 0x09;
    private static final int FUA = 1 << 30;
    private static final int DEAC = 1 << 25;
    private static final int DSM_DEALLOCATE = 1 << 2;
    private static final int RANGE_BYTES = 16;
    private static final int ALL_NAMESPACES = -1;

    private final BlockBackend disk;
    private final GuestMemory memory;
    private final MsiX msiX;
    private final IoDevice msiXStructures;
    private final Admin admin;
    private final Object registers = new Object();
    private final AtomicReferenceArray<@Nullable SubmissionQueue> submissions = new AtomicReferenceArray<>(IO_QUEUES + 1);
    private final AtomicReferenceArray<@Nullable CompletionQueue> completions = new AtomicReferenceArray<>(IO_QUEUES + 1);
    private int interruptMask;
    private int cc;
    private int csts;
    private int aqa;
    private long asq;
    private long acq;

    public NvmeController(BlockBackend disk, String serial, GuestMemory memory) {
        super(VENDOR, DEVICE, CLASS_NVME, REVISION);
        this.disk = disk;
        this.memory = memory;
        initialize(SUBSYSTEM_VENDOR_ID, 2, 0x1af4);
        initialize(SUBSYSTEM_ID, 2, 0x1100);
        interruptPin(1);
        msiX = msiX(IO_QUEUES + 1, 0, MSIX_OFFSET);
        msiXStructures = msiX.structures();
        admin = new Admin(this, serial);
        registers(0, BarKind.MEMORY_64, BAR_BYTES, new Registers());
        disk.onResize(admin::namespaceChanged);
    }

    BlockBackend disk() {
        return disk;
    }

    GuestMemory memory() {
        return memory;
    }

    long blocks() {
        return disk.sizeBytes() / BLOCK;
    }

    boolean inside(long slba, long count) {
        long blocks = blocks();
        return slba >= 0 && slba <= blocks && count <= blocks - slba;
    }

    @Nullable SubmissionQueue submission(int id) {
        return id >= 0 && id <= IO_QUEUES ? submissions.get(id) : null;
    }

    @Nullable CompletionQueue completion(int id) {
        return id >= 0 && id <= IO_QUEUES ? completions.get(id) : null;
    }

    void setSubmission(int id, @Nullable SubmissionQueue queue) {
        submissions.set(id, queue);
    }

    void setCompletion(int id, @Nullable CompletionQueue queue) {
        completions.set(id, queue);
    }

    int vectors() {
        return msiX.vectors();
    }

    @Override
    public void reset() {
        stop();
        synchronized (registers) {
            interruptMask = 0;
            cc = 0;
            csts = 0;
            aqa = 0;
            asq = 0;
            acq = 0;
        }
        super.reset();
    }

    /// Takes all queues away; returns when nothing is under way.
    private void stop() {
        for (int id = 0; id <= IO_QUEUES; id++) {
            SubmissionQueue queue = submissions.getAndSet(id, null);
            if (queue != null) queue.delete();
        }
        disk.drain();
        for (int id = 0; id <= IO_QUEUES; id++) completions.set(id, null);
        admin.reset();
        updatePin();
    }

    /// A command of a submission queue; under that queue's lock.
    void execute(int queue, NvmeRequest request) {
        if (queue == 0) {
            admin.execute(request);
            return;
        }
        switch (request.opcode()) {
            case NVM_FLUSH -> {
                if (request.nsid() != 1 && request.nsid() != ALL_NAMESPACES) {
                    request.end(Status.INVALID_NAMESPACE);
                } else {
                    request.begin(Operation.FLUSH, 0);
                    disk.submit(request);
                }
            }
            case NVM_READ -> transfer(request, Operation.READ);
            case NVM_WRITE -> transfer(request, Operation.WRITE);
            case NVM_WRITE_ZEROES -> writeZeroes(request);
            case NVM_DATASET_MANAGEMENT -> datasetManagement(request);
            default -> request.end(Status.INVALID_OPCODE);
        }
    }

    private void transfer(NvmeRequest request, Operation operation) {
        long count = (request.dword(12) & 0xffff) + 1L;
        int status = check(request, request.slba(), count, operation == Operation.WRITE);
        if (status == Status.SUCCESS && count * BLOCK > (long) GuestMemory.PAGE_SIZE << MDTS) status = Status.INVALID_FIELD;
        if (status == Status.SUCCESS) status = request.mapData(count * BLOCK);
        if (status != Status.SUCCESS) {
            request.end(status);
            return;
        }
        request.begin(operation, request.slba() * BLOCK);
        request.data().addTo(request, 0, count * BLOCK);
        if (operation == Operation.WRITE) request.setDurable((request.dword(12) & FUA) != 0 || !admin.writeCache());
        disk.submit(request);
    }

    private void writeZeroes(NvmeRequest request) {
        long count = (request.dword(12) & 0xffff) + 1L;
        int status = check(request, request.slba(), count, true);
        if (status != Status.SUCCESS) {
            request.end(status);
            return;
        }
        request.begin(Operation.WRITE_ZEROES, request.slba() * BLOCK);
        request.setLength(count * BLOCK);
        request.setMayUnmap((request.dword(12) & DEAC) != 0);
        request.setDurable((request.dword(12) & FUA) != 0 || !admin.writeCache());
        disk.submit(request);
    }

    private void datasetManagement(NvmeRequest request) {
        int count = (request.dword(10) & 0xff) + 1;
        int status = check(request, 0, 0, true);
        if (status == Status.SUCCESS) status = request.mapData((long) count * RANGE_BYTES);
        if (status != Status.SUCCESS) {
            request.end(status);
        } else if ((request.dword(11) & DSM_DEALLOCATE) == 0) {
            request.end(Status.SUCCESS); // hints of use, which help nobody here
        } else {
            request.deallocate(count);
        }
    }

    private int check(NvmeRequest request, long slba, long count, boolean writes) {
        if (request.nsid() != 1) return Status.INVALID_NAMESPACE;
        if (!inside(slba, count)) return Status.LBA_OUT_OF_RANGE;
        return writes && disk.isReadOnly() ? Status.READ_ONLY_RANGE : Status.SUCCESS;
    }

    /// A completion queue has something new.
    void interrupt(int vector) {
        if (msiX.enabled()) {
            msiX.signal(vector);
        } else {
            updatePin();
        }
    }

    /// The pin is a level: some queue holds what the host has not taken (7.5.1).
    void updatePin() {
        if (msiX.enabled()) {
            setIntx(false);
            return;
        }
        boolean pending = false;
        int mask;
        synchronized (registers) {
            mask = interruptMask;
        }
        for (int id = 0; id <= IO_QUEUES; id++) {
            CompletionQueue queue = completions.get(id);
            if (queue != null && queue.isPending() && (mask & 1) == 0) pending = true;
        }
        setIntx(pending);
    }

    private int readRegister(int offset) {
        synchronized (registers) {
            return switch (offset) {
                case CAP_LOW -> MOST_ENTRIES - 1 | CAP_CQR | CAP_TO;
                case CAP_HIGH -> CAP_CSS_NVM;
                case VS -> VERSION;
                case INTMS, INTMC -> interruptMask;
                case CC -> cc;
                case CSTS -> csts;
                case AQA -> aqa;
                case ASQ -> (int) asq;
                case ASQ + 4 -> (int) (asq >>> 32);
                case ACQ -> (int) acq;
                case ACQ + 4 -> (int) (acq >>> 32);
                default -> 0;
            };
        }
    }

    private void writeRegister(int offset, int value) {
        if (offset == CC) {
            configure(value);
            return;
        }
        synchronized (registers) {
            switch (offset) {
                case INTMS -> interruptMask |= value;
                case INTMC -> interruptMask &= ~value;
                case AQA -> aqa = value & 0x0fff_0fff;
                case ASQ -> asq = asq & -1L << 32 | value & 0xffff_f000L;
                case ASQ + 4 -> asq = asq & 0xffff_ffffL | (long) value << 32;
                case ACQ -> acq = acq & -1L << 32 | value & 0xffff_f000L;
                case ACQ + 4 -> acq = acq & 0xffff_ffffL | (long) value << 32;
                default -> {}
            }
        }
        if (offset == INTMS || offset == INTMC) updatePin();
    }

    /// 3.1.5 and 3.1.6: enabled and shut down by CC.
    private void configure(int value) {
        boolean enables;
        boolean disables;
        boolean shutsDown;
        synchronized (registers) {
            enables = (cc & CC_EN) == 0 && (value & CC_EN) != 0;
            disables = (cc & CC_EN) != 0 && (value & CC_EN) == 0;
            shutsDown = (cc & CC_SHN) == 0 && (value & CC_SHN) != 0;
            cc = value;
            if (enables) csts = start(value) ? CSTS_RDY : CSTS_CFS;
        }
        if (disables) {
            stop();
            synchronized (registers) {
                csts = 0;
            }
        }
        if (shutsDown) {
            disk.drain();
            synchronized (registers) {
                csts |= CSTS_SHST_COMPLETE;
            }
        }
    }

    /// Pages of 4 KiB, entries of 64 and 16 bytes, admin queues in memory.
    private boolean start(int value) {
        int sqSize = (aqa & 0xfff) + 1;
        int cqSize = (aqa >> 16 & 0xfff) + 1;
        boolean inMemory = memory.hva(asq, (long) sqSize * SubmissionQueue.ENTRY_BYTES) != 0
                && memory.isRam(acq, (long) cqSize * CompletionQueue.ENTRY_BYTES);
        if ((value >> 4 & 0x3f7) != 0 || sqSize < 2 || cqSize < 2 || !inMemory) return false;
        CompletionQueue done = new CompletionQueue(this, memory, 0, acq, cqSize, 0, true);
        completions.set(0, done);
        submissions.set(0, new SubmissionQueue(this, memory, 0, asq, sqSize, done));
        return true;
    }

    private void doorbell(int offset, int value) {
        int number = (offset - DOORBELLS) / 4;
        int id = number / 2;
        boolean good;
        if ((number & 1) == 0) {
            SubmissionQueue queue = submission(id);
            if (queue == null) {
                admin.doorbellError(false);
                return;
            }
            good = queue.setTail(value & 0xffff);
        } else {
            CompletionQueue queue = completion(id);
            if (queue == null) {
                admin.doorbellError(false);
                return;
            }
            good = queue.setHead(value & 0xffff);
        }
        if (!good) admin.doorbellError(true);
    }

    private final class Registers implements IoDevice {
        @Override
        public long read(long offset, int size) {
            if (offset >= MSIX_OFFSET) return msiXStructures.read(offset - MSIX_OFFSET, size);
            int at = (int) offset & ~3;
            long low = readRegister(at) & 0xffff_ffffL;
            if (size == 8) return low | (long) readRegister(at + 4) << 32;
            return low >>> 8 * (offset & 3);
        }

        @Override
        public void write(long offset, int size, long value) {
            int at = (int) offset;
            if (at >= MSIX_OFFSET) {
                msiXStructures.write(at - MSIX_OFFSET, size, value);
            } else if (at >= DOORBELLS) {
                if (size == 4 && isBusMaster()) doorbell(at, (int) value);
            } else if (size >= 4) {
                writeRegister(at, (int) value);
                if (size == 8) writeRegister(at + 4, (int) (value >>> 32));
            }
        }
    }
}
