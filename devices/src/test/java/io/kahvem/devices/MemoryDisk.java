package io.kahvem.devices;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockRequest;
import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.block.BlockStatistics;
import io.kahvem.block.ErrorPolicy;
import io.kahvem.host.Words;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/// A disk in an array, for tests of controllers: what was submitted stays pending until [#completeAll]; `error` is what all of it gets.
/// Where it `readsAtOnce`, reads need not be submitted.
public final class MemoryDisk implements BlockBackend {
    public byte[] content;
    public boolean readOnly;
    public boolean readsAtOnce;
    public int error;
    public final List<String> log = new ArrayList<>();
    private final Deque<BlockRequest> pending = new ArrayDeque<>();
    private Runnable resized = () -> {};

    public MemoryDisk(int bytes) {
        content = new byte[bytes];
    }

    public int pending() {
        return pending.size();
    }

    public void completeAll(boolean backwards) {
        while (!pending.isEmpty()) perform(backwards ? pending.removeLast() : pending.removeFirst());
    }

    public void resize(int bytes) {
        content = Arrays.copyOf(content, bytes);
        resized.run();
    }

    @Override
    public long sizeBytes() {
        return content.length;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public int preferredAlignment() {
        return 512;
    }

    @Override
    public void submit(BlockRequest request) {
        pending.add(request);
    }

    @Override
    public boolean readAtOnce(BlockRequest request) {
        if (!readsAtOnce || request.operation() != Operation.READ) return false;
        move(request);
        return true;
    }

    private void perform(BlockRequest r) {
        r.complete(move(r));
    }

    private int move(BlockRequest r) {
        log.add("%s %d+%d%s".formatted(r.operation(), r.offset(), r.length(), r.durable() ? " durable" : ""));
        int errno = error;
        int at = (int) r.offset();
        if (errno == 0 && (r.operation() == Operation.WRITE_ZEROES || r.operation() == Operation.DISCARD)) {
            Arrays.fill(content, at, at + (int) r.length(), (byte) 0);
        } else if (errno == 0) {
            for (int n = 0; n < r.ranges().count(); n++) {
                long address = r.ranges().addressOf(n);
                int length = (int) r.ranges().lengthOf(n);
                if (r.operation() == Operation.READ) {
                    Words.copyIn(content, at, address, length);
                } else {
                    Words.copyOut(address, content, at, length);
                }
                at += length;
            }
        }
        return errno;
    }

    @Override
    public void drain() {
        completeAll(false);
    }

    @Override
    public void onResize(Runnable listener) {
        resized = listener;
    }

    @Override
    public void onError(ErrorPolicy reads, ErrorPolicy writes, ErrorListener listener) {
        throw new UnsupportedOperationException("no errors of a host's file here");
    }

    @Override
    public void retryStopped() {}

    @Override
    public BlockStatistics statistics() {
        throw new UnsupportedOperationException("nobody counts");
    }

    @Override
    public void close() {}
}
