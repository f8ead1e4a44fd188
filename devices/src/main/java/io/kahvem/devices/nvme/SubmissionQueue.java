package io.kahvem.devices.nvme;

import io.kahvem.memory.GuestMemory;
import java.util.ArrayDeque;
import java.util.Deque;

/// A submission queue (NVMe 1.4, 4.1). Commands are fetched when its doorbell rings, and when one ends where too many were under way.
///
/// Lock: this object's monitor.
final class SubmissionQueue {
    static final int ENTRY_BYTES = 64;

    /// More commands than this are not begun at once.
    private static final int MOST_UNDER_WAY = 1024;

    private final NvmeController controller;
    private final GuestMemory memory;
    private final int id;
    private final long base;
    private final int size;
    private final CompletionQueue completions;
    private final Deque<NvmeRequest> free = new ArrayDeque<>();
    private int head;
    private int tail;
    private int underWay;
    private boolean deleted;

    SubmissionQueue(NvmeController controller, GuestMemory memory, int id, long base, int size, CompletionQueue completions) {
        this.controller = controller;
        this.memory = memory;
        this.id = id;
        this.base = base;
        this.size = size;
        this.completions = completions;
        completions.addUser(1);
    }

    CompletionQueue completions() {
        return completions;
    }

    /// The host's tail doorbell; false where there is no such entry.
    synchronized boolean setTail(int to) {
        if (to < 0 || to >= size) return false;
        tail = to;
        fetch();
        return true;
    }

    /// No command begins from here on; those under way end without being told.
    synchronized void delete() {
        deleted = true;
        completions.addUser(-1);
    }

    private void fetch() {
        while (!deleted && head != tail && underWay < MOST_UNDER_WAY) {
            NvmeRequest request = free.poll();
            if (request == null) request = new NvmeRequest(controller, this, memory);
            request.fetch(base + (long) head * ENTRY_BYTES);
            head = head + 1 == size ? 0 : head + 1;
            underWay++;
            controller.execute(id, request);
        }
    }

    /// A command has ended, on any thread.
    synchronized void complete(NvmeRequest request, int result, int status) {
        underWay--;
        int cid = request.cid();
        free.add(request);
        if (deleted) return;
        completions.post(result, id, head, cid, status);
        if (underWay == MOST_UNDER_WAY - 1) fetch();
    }
}
