package io.kahvem.devices.nvme;

import io.kahvem.memory.GuestMemory;
import java.util.ArrayDeque;
import java.util.Deque;

/// A completion queue (NVMe 1.4, 4.1 and 4.6). What finds it full waits until the host has taken something.
///
/// Lock: this object's monitor, taken after a submission queue's.
final class CompletionQueue {
    static final int ENTRY_BYTES = 16;

    private final NvmeController controller;
    private final GuestMemory memory;
    private final int id;
    private final long base;
    private final int size;
    private final int vector;
    private final boolean interrupts;
    private final Deque<long[]> waiting = new ArrayDeque<>();
    private int head;
    private int tail;
    private int phase = 1;

    /// How many submission queues complete here.
    private int users;

    CompletionQueue(NvmeController controller, GuestMemory memory, int id, long base, int size, int vector, boolean interrupts) {
        this.controller = controller;
        this.memory = memory;
        this.id = id;
        this.base = base;
        this.size = size;
        this.vector = vector;
        this.interrupts = interrupts;
    }

    int vector() {
        return vector;
    }

    int id() {
        return id;
    }

    synchronized void addUser(int more) {
        users += more;
    }

    synchronized boolean isUsed() {
        return users > 0;
    }

    /// Whether its interrupt is due: it is enabled, and entries are there that the host has not taken.
    synchronized boolean isPending() {
        return interrupts && head != tail;
    }

    /// Posts an entry, or keeps it until there is room.
    void post(int result, int sqId, int sqHead, int cid, int status) {
        synchronized (this) {
            if (!waiting.isEmpty() || isFull()) {
                waiting.add(new long[] {result, sqHead | (long) sqId << 16, cid | (long) status << 17});
                return;
            }
            write(result, sqHead | sqId << 16, cid | status << 17);
        }
        if (interrupts) controller.interrupt(vector);
    }

    /// The host's head doorbell; false where there is no such entry.
    boolean setHead(int to) {
        boolean posted = false;
        synchronized (this) {
            if (to < 0 || to >= size) return false;
            head = to;
            while (!waiting.isEmpty() && !isFull()) {
                long[] entry = waiting.remove();
                write((int) entry[0], (int) entry[1], (int) entry[2]);
                posted = true;
            }
        }
        if (posted && interrupts) {
            controller.interrupt(vector);
        } else {
            controller.updatePin();
        }
        return true;
    }

    private boolean isFull() {
        return (tail + 1) % size == head;
    }

    private void write(int result, int queue, int status) {
        long entry = base + (long) tail * ENTRY_BYTES;
        memory.write64(entry, result & 0xffff_ffffL);
        memory.write64(entry + 8, queue & 0xffff_ffffL | (status | (long) phase << 16) << 32); // the phase comes with the last store
        tail++;
        if (tail == size) {
            tail = 0;
            phase ^= 1;
        }
    }
}
