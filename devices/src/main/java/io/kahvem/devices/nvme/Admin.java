package io.kahvem.devices.nvme;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/// The admin command set (NVMe 1.4, 5): queues, identification, features, logs, asynchronous events.
///
/// Lock: this object's monitor for features and events, taken after the admin queue's.
final class Admin {
    private static final int DELETE_SQ = 0x00;
    private static final int CREATE_SQ = 0x01;
    private static final int GET_LOG_PAGE = 0x02;
    private static final int DELETE_CQ = 0x04;
    private static final int CREATE_CQ = 0x05;
    private static final int IDENTIFY = 0x06;
    private static final int ABORT = 0x08;
    private static final int SET_FEATURES = 0x09;
    private static final int GET_FEATURES = 0x0a;
    private static final int ASYNC_EVENT_REQUEST = 0x0c;

    private static final int CNS_NAMESPACE = 0;
    private static final int CNS_CONTROLLER = 1;
    private static final int CNS_ACTIVE = 2;
    private static final int CNS_DESCRIPTORS = 3;

    private static final int FEATURE_ARBITRATION = 0x01;
    private static final int FEATURE_POWER = 0x02;
    private static final int FEATURE_TEMPERATURE = 0x04;
    private static final int FEATURE_ERROR_RECOVERY = 0x05;
    private static final int FEATURE_WRITE_CACHE = 0x06;
    private static final int FEATURE_QUEUES = 0x07;
    private static final int FEATURE_COALESCING = 0x08;
    private static final int FEATURE_VECTOR = 0x09;
    private static final int FEATURE_ATOMICITY = 0x0a;
    private static final int FEATURE_EVENTS = 0x0b;
    private static final int FEATURES = 0x0c;
    private static final int SAVE = 1 << 31;

    private static final int LOG_ERROR = 0x01;
    private static final int LOG_SMART = 0x02;
    private static final int LOG_FIRMWARE = 0x03;
    private static final int LOG_CHANGED = 0x04;

    private static final int EVENTS_AT_ONCE = 4;
    private static final int EVENT_NAMESPACE = 1 << 8;
    private static final int IDENTIFY_BYTES = 4096;
    private static final int KELVIN = 273 + 38;

    private final NvmeController controller;
    private final String serial;
    private final int[] features = new int[FEATURES];
    private final Deque<NvmeRequest> eventRequests = new ArrayDeque<>();
    private final Deque<Integer> events = new ArrayDeque<>();

    /// Event types that wait for their log page to be read, a bit each.
    private int maskedTypes;

    private boolean namespaceHasChanged;

    Admin(NvmeController controller, String serial) {
        this.controller = controller;
        this.serial = serial;
        reset();
    }

    synchronized void reset() {
        Arrays.fill(features, 0);
        features[FEATURE_WRITE_CACHE] = 1;
        features[FEATURE_TEMPERATURE] = KELVIN + 30;
        features[FEATURE_QUEUES] = NvmeController.IO_QUEUES - 1 | NvmeController.IO_QUEUES - 1 << 16;
        eventRequests.clear();
        events.clear();
        maskedTypes = 0;
        namespaceHasChanged = false;
    }

    synchronized boolean writeCache() {
        return (features[FEATURE_WRITE_CACHE] & 1) != 0;
    }

    /// The disk has another size (5.2: a notice).
    void namespaceChanged() {
        synchronized (this) {
            namespaceHasChanged = true;
            if ((features[FEATURE_EVENTS] & EVENT_NAMESPACE) == 0) return;
        }
        event(2, 0, LOG_CHANGED);
    }

    /// A doorbell that is not there, or an entry that is not there.
    void doorbellError(boolean value) {
        event(0, value ? 1 : 0, LOG_ERROR);
    }

    private void event(int type, int info, int log) {
        NvmeRequest told;
        int result = type | info << 8 | log << 16;
        synchronized (this) {
            if ((maskedTypes & 1 << type) != 0) return;
            maskedTypes |= 1 << type;
            told = eventRequests.poll();
            if (told == null) events.add(result);
        }
        if (told != null) told.end(result, Status.SUCCESS);
    }

    void execute(NvmeRequest r) {
        switch (r.opcode()) {
            case DELETE_SQ -> deleteSubmission(r);
            case CREATE_SQ -> createSubmission(r);
            case DELETE_CQ -> deleteCompletion(r);
            case CREATE_CQ -> createCompletion(r);
            case IDENTIFY -> identify(r);
            case ABORT -> r.end(1, Status.SUCCESS); // not aborted: what was begun ends by itself
            case SET_FEATURES -> setFeature(r);
            case GET_FEATURES -> getFeature(r);
            case GET_LOG_PAGE -> logPage(r);
            case ASYNC_EVENT_REQUEST -> awaitEvent(r);
            default -> r.end(Status.INVALID_OPCODE);
        }
    }

    private void awaitEvent(NvmeRequest r) {
        int result;
        synchronized (this) {
            Integer pending = events.poll();
            if (pending == null && eventRequests.size() < EVENTS_AT_ONCE) {
                eventRequests.add(r);
                return;
            }
            result = pending == null ? -1 : pending;
        }
        if (result < 0) {
            r.end(Status.EVENT_LIMIT_EXCEEDED);
        } else {
            r.end(result, Status.SUCCESS);
        }
    }

    private void createCompletion(NvmeRequest r) {
        int id = r.dword(10) & 0xffff;
        int size = (r.dword(10) >>> 16) + 1;
        int vector = r.dword(11) >>> 16;
        long base = r.prp1();
        if (id == 0 || id > NvmeController.IO_QUEUES || controller.completion(id) != null) {
            r.end(Status.INVALID_QUEUE_ID);
        } else if (size < 2 || size > NvmeController.MOST_ENTRIES) {
            r.end(Status.INVALID_QUEUE_SIZE);
        } else if (vector >= controller.vectors()) {
            r.end(Status.INVALID_INTERRUPT_VECTOR);
        } else if ((r.dword(11) & 1) == 0 || !controller.memory().isRam(base, (long) size * CompletionQueue.ENTRY_BYTES)) {
            r.end(Status.INVALID_FIELD);
        } else {
            boolean interrupts = (r.dword(11) & 2) != 0;
            controller.setCompletion(id, new CompletionQueue(controller, controller.memory(), id, base, size, vector, interrupts));
            r.end(Status.SUCCESS);
        }
    }

    private void createSubmission(NvmeRequest r) {
        int id = r.dword(10) & 0xffff;
        int size = (r.dword(10) >>> 16) + 1;
        CompletionQueue completions = controller.completion(r.dword(11) >>> 16);
        long base = r.prp1();
        if (completions == null || completions.id() == 0) {
            r.end(Status.COMPLETION_QUEUE_INVALID);
        } else if (id == 0 || id > NvmeController.IO_QUEUES || controller.submission(id) != null) {
            r.end(Status.INVALID_QUEUE_ID);
        } else if (size < 2 || size > NvmeController.MOST_ENTRIES) {
            r.end(Status.INVALID_QUEUE_SIZE);
        } else if ((r.dword(11) & 1) == 0 || controller.memory().hva(base, (long) size * SubmissionQueue.ENTRY_BYTES) == 0) {
            r.end(Status.INVALID_FIELD);
        } else {
            controller.setSubmission(id, new SubmissionQueue(controller, controller.memory(), id, base, size, completions));
            r.end(Status.SUCCESS);
        }
    }

    private void deleteSubmission(NvmeRequest r) {
        int id = r.dword(10) & 0xffff;
        SubmissionQueue queue = id == 0 ? null : controller.submission(id);
        if (queue == null) {
            r.end(Status.INVALID_QUEUE_ID);
            return;
        }
        controller.setSubmission(id, null);
        controller.disk().drain(); // what it has begun is told before it goes
        queue.delete();
        r.end(Status.SUCCESS);
    }

    private void deleteCompletion(NvmeRequest r) {
        int id = r.dword(10) & 0xffff;
        CompletionQueue queue = id == 0 ? null : controller.completion(id);
        if (queue == null) {
            r.end(Status.INVALID_QUEUE_ID);
        } else if (queue.isUsed()) {
            r.end(Status.INVALID_QUEUE_DELETION);
        } else {
            controller.setCompletion(id, null);
            controller.updatePin();
            r.end(Status.SUCCESS);
        }
    }

    private void identify(NvmeRequest r) {
        ByteBuffer data = ByteBuffer.allocate(IDENTIFY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        switch (r.dword(10) & 0xff) {
            case CNS_NAMESPACE -> {
                if (r.nsid() == 1) {
                    identifyNamespace(data);
                } else if (r.nsid() != -1) {
                    r.end(Status.INVALID_NAMESPACE);
                    return;
                }
            }
            case CNS_CONTROLLER -> identifyController(data);
            case CNS_ACTIVE -> {
                if (r.nsid() == 0) data.putInt(0, 1);
            }
            case CNS_DESCRIPTORS -> {
                if (r.nsid() != 1) {
                    r.end(Status.INVALID_NAMESPACE);
                    return;
                }
                data.put(0, (byte) 3).put(1, (byte) 16); // UUID
                byte[] name = Arrays.copyOf(("KAHVEM" + serial).getBytes(US_ASCII), 16);
                data.put(4, name);
            }
            default -> {
                r.end(Status.INVALID_FIELD);
                return;
            }
        }
        r.reply(data.array(), IDENTIFY_BYTES);
    }

    private void identifyNamespace(ByteBuffer data) {
        long blocks = controller.blocks();
        data.putLong(0, blocks).putLong(8, blocks).putLong(16, blocks);
        int unit = Math.max(1, controller.disk().preferredAlignment() / NvmeController.BLOCK);
        data.put(24, (byte) (1 | 1 << 4)); // thin; preferred sizes are given
        for (int at = 64; at <= 68; at += 2) data.putShort(at, (short) (unit - 1));
        data.put(99, (byte) (controller.disk().isReadOnly() ? 1 : 0));
        data.put(128 + 2, (byte) 9); // blocks of 2^9 bytes
    }

    private void identifyController(ByteBuffer data) {
        data.putShort(0, (short) 0x1b36).putShort(2, (short) 0x1af4);
        text(data, 4, 20, serial);
        text(data, 24, 40, "KAHVEM NVMe");
        text(data, 64, 8, "1.0");
        data.put(77, (byte) NvmeController.MDTS);
        data.putInt(80, NvmeController.VERSION);
        data.putInt(92, EVENT_NAMESPACE);
        data.put(258, (byte) 3); // aborts at once, of 4
        data.put(259, (byte) (EVENTS_AT_ONCE - 1));
        data.put(260, (byte) 3); // one firmware slot, read-only
        data.put(261, (byte) 0);
        data.putShort(266, (short) (KELVIN + 35)).putShort(268, (short) (KELVIN + 45));
        data.put(512, (byte) 0x66).put(513, (byte) 0x44);
        data.putInt(516, 1);
        data.putShort(520, (short) (1 << 2 | 1 << 3)); // dataset management, write zeroes
        data.put(525, (byte) 7); // volatile write cache; a flush may name all namespaces
        data.putInt(536, 1); // SGLs
        byte[] name = ("nqn.2019-08.org.qemu:" + serial).getBytes(US_ASCII);
        data.put(768, name);
    }

    private static void text(ByteBuffer data, int at, int length, String text) {
        byte[] padded = new byte[length];
        Arrays.fill(padded, (byte) ' ');
        byte[] bytes = text.getBytes(US_ASCII);
        System.arraycopy(bytes, 0, padded, 0, Math.min(length, bytes.length));
        data.put(at, padded);
    }

    private void setFeature(NvmeRequest r) {
        int feature = r.dword(10) & 0xff;
        if ((r.dword(10) & SAVE) != 0) {
            r.end(Status.NOT_SAVEABLE);
            return;
        }
        int result = 0;
        int status = Status.SUCCESS;
        synchronized (this) {
            switch (feature) {
                case FEATURE_QUEUES -> result = features[FEATURE_QUEUES]; // as many as there are, whatever is asked for
                case FEATURE_ARBITRATION, FEATURE_POWER, FEATURE_TEMPERATURE, FEATURE_ERROR_RECOVERY, FEATURE_WRITE_CACHE,
                        FEATURE_COALESCING, FEATURE_VECTOR, FEATURE_ATOMICITY, FEATURE_EVENTS -> features[feature] = r.dword(11);
                default -> status = Status.INVALID_FIELD;
            }
        }
        r.end(result, status);
    }

    private void getFeature(NvmeRequest r) {
        int feature = r.dword(10) & 0xff;
        int value;
        synchronized (this) {
            value = feature < FEATURES ? features[feature] : 0;
        }
        boolean known = feature > 0 && feature < FEATURES && feature != 3;
        r.end(value, known ? Status.SUCCESS : Status.INVALID_FIELD);
    }

    private void logPage(NvmeRequest r) {
        int log = r.dword(10) & 0xff;
        long bytes = ((r.dword(10) >>> 16 | (long) (r.dword(11) & 0xffff) << 16) + 1) * 4;
        long offset = r.dword(12) & 0xffff_ffffL | (long) r.dword(13) << 32;
        ByteBuffer page = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        switch (log) {
            case LOG_ERROR -> {}
            case LOG_SMART -> page.putShort(1, (short) KELVIN).put(3, (byte) 100).put(4, (byte) 10);
            case LOG_FIRMWARE -> page.put(0, (byte) 1).put(8, "1.0     ".getBytes(US_ASCII));
            case LOG_CHANGED -> {
                synchronized (this) {
                    if (namespaceHasChanged) page.putInt(0, 1);
                    namespaceHasChanged = false;
                }
            }
            default -> {
                r.end(Status.INVALID_LOG_PAGE);
                return;
            }
        }
        if (offset < 0 || offset > page.capacity() || bytes > page.capacity() - offset || (offset & 3) != 0) {
            r.end(Status.INVALID_FIELD);
            return;
        }
        boolean retain = (r.dword(10) & 1 << 15) != 0;
        if (!retain) {
            synchronized (this) {
                maskedTypes &= log == LOG_ERROR ? ~1 : log == LOG_SMART ? ~2 : ~4;
            }
        }
        r.reply(Arrays.copyOfRange(page.array(), (int) offset, (int) (offset + bytes)), (int) bytes);
    }
}
