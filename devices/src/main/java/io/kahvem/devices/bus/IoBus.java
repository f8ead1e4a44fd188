package io.kahvem.devices.bus;

import io.kahvem.devices.IoDevice;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// One address space of registers: the ports or the memory-mapped ones.
///
/// Where nothing answers a read gives all ones and a write goes nowhere. An access wider than its device takes, or one that crosses the
/// end of a window, is done in pieces from the lowest address up.
///
/// Readers take no lock: the windows are an immutable snapshot, replaced whole. A device removed while another thread is inside it
/// finishes that access.
public final class IoBus {
    private final String name;
    private final LongAdder unclaimedReads = new LongAdder();
    private final LongAdder unclaimedWrites = new LongAdder();
    private volatile Windows windows = new Windows(new Window[0]);

    /// @param name what error messages call this address space
    public IoBus(String name) {
        this.name = name;
    }

    /// Puts `device` behind `length` addresses from `start`.
    ///
    /// @throws IllegalArgumentException if the window is empty, wraps around, or overlaps another
    public synchronized void add(String deviceName, long start, long length, IoDevice device) {
        if (start < 0 || length <= 0 || start + length < 0) {
            throw new IllegalArgumentException("%s: window of %s at %#x has length %#x".formatted(name, deviceName, start, length));
        }
        Window added = new Window(deviceName, start, start + length, device, device.widestAccess());
        Window[] old = windows.sorted;
        int at = 0;
        for (Window w : old) {
            if (w.start < added.end && added.start < w.end) {
                throw new IllegalArgumentException(
                        "%s: window of %s at %#x overlaps that of %s at %#x".formatted(name, deviceName, start, w.name, w.start));
            }
            if (w.start < start) at++;
        }
        Window[] copy = new Window[old.length + 1];
        System.arraycopy(old, 0, copy, 0, at);
        copy[at] = added;
        System.arraycopy(old, at, copy, at + 1, old.length - at);
        windows = new Windows(copy);
    }

    /// Takes away the window that starts at `start`; none there is no error, since a guest may disable a decoder twice.
    public synchronized void remove(long start) {
        windows = new Windows(Arrays.stream(windows.sorted).filter(w -> w.start != start).toArray(Window[]::new));
    }

    public long read(long address, int size) {
        Window w = windows.at(address);
        if (w != null && size <= w.widest && address + size <= w.end) return w.device.read(address - w.start, size) & mask(size);
        return readInPieces(address, size);
    }

    public void write(long address, int size, long value) {
        Window w = windows.at(address);
        if (w != null && size <= w.widest && address + size <= w.end) {
            w.device.write(address - w.start, size, value & mask(size));
        } else {
            writeInPieces(address, size, value);
        }
    }

    /// Reads that no device answered since the bus was made.
    public long unclaimedReads() {
        return unclaimedReads.sum();
    }

    /// Writes that no device took since the bus was made.
    public long unclaimedWrites() {
        return unclaimedWrites.sum();
    }

    private long readInPieces(long address, int size) {
        Windows all = windows;
        long value = 0;
        boolean claimed = false;
        for (int done = 0; done < size; ) {
            Window w = all.at(address + done);
            int piece = w == null ? 1 : w.pieceAt(address + done, size - done);
            long part = IoDevice.OPEN_BUS;
            if (w != null) {
                part = w.device.read(address + done - w.start, piece);
                claimed = true;
            }
            value |= (part & mask(piece)) << (done * 8);
            done += piece;
        }
        if (!claimed) unclaimedReads.increment();
        return value;
    }

    private void writeInPieces(long address, int size, long value) {
        Windows all = windows;
        boolean claimed = false;
        for (int done = 0; done < size; ) {
            Window w = all.at(address + done);
            int piece = w == null ? 1 : w.pieceAt(address + done, size - done);
            if (w != null) {
                w.device.write(address + done - w.start, piece, (value >>> (done * 8)) & mask(piece));
                claimed = true;
            }
            done += piece;
        }
        if (!claimed) unclaimedWrites.increment();
    }

    private static long mask(int size) {
        return size == 8 ? -1L : (1L << (size * 8)) - 1;
    }

    private record Window(String name, long start, long end, IoDevice device, int widest) {
        /// The largest naturally aligned piece at `address` that the device takes, the window holds and `remaining` allows.
        int pieceAt(long address, int remaining) {
            int piece = widest;
            while (piece > remaining || address + piece > end || ((address - start) & (piece - 1)) != 0) piece >>= 1;
            return piece;
        }
    }

    private record Windows(Window[] sorted) {
        @Nullable Window at(long address) {
            int low = 0;
            int high = sorted.length - 1;
            while (low <= high) {
                int mid = (low + high) >>> 1;
                Window w = sorted[mid];
                if (address < w.start) {
                    high = mid - 1;
                } else if (address >= w.end) {
                    low = mid + 1;
                } else {
                    return w;
                }
            }
            return null;
        }
    }
}
