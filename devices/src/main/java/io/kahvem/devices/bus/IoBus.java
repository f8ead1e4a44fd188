package io.kahvem.devices.bus;

import io.kahvem.devices.IoDevice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// One address space of registers: the ports or the memory-mapped ones.
///
/// Where nothing answers a read gives all ones and a write goes nowhere. An access wider than its device takes, or one that crosses the
/// end of a window, is done in pieces from the lowest address up.
///
/// Windows are added by the board, which never overlaps them, or claimed by guests, which may.
///
/// Readers take no lock: the windows are an immutable snapshot, replaced whole. A device removed while another thread is inside it
/// finishes that access.
public final class IoBus {
    private final String name;
    private final LongAdder unclaimedReads = new LongAdder();
    private final LongAdder unclaimedWrites = new LongAdder();
    private final List<Window> fixed = new ArrayList<>();
    private final List<Claim> claims = new ArrayList<>();
    private volatile Windows windows = new Windows(new Window[0]);

    /// A window that a guest has placed, until it is [#release]d.
    public static final class Claim {
        private final Window whole;

        private Claim(Window whole) {
            this.whole = whole;
        }
    }

    /// @param name what error messages call this address space
    public IoBus(String name) {
        this.name = name;
    }

    /// Puts `device` behind `length` addresses from `start`, for as long as nobody [#remove]s it.
    ///
    /// @throws IllegalArgumentException if the window is empty, wraps around, or overlaps another that was added
    public synchronized void add(String deviceName, long start, long length, IoDevice device) {
        Window added = window(deviceName, start, length, device);
        for (Window w : fixed) {
            if (w.start < added.end && added.start < w.end) {
                throw new IllegalArgumentException(
                        "%s: window of %s at %#x overlaps that of %s at %#x".formatted(name, deviceName, start, w.name, w.start));
            }
        }
        fixed.add(added);
        rebuild();
    }

    /// Takes away the window that was added at `start`; none there is no error, since a guest may disable a decoder twice.
    public synchronized void remove(long start) {
        fixed.removeIf(w -> w.start == start);
        rebuild();
    }

    /// Puts `device` where a guest wants it, which may be anywhere: windows that were added, and earlier claims, go before it where they
    /// overlap; it answers there once they are gone.
    ///
    /// @throws IllegalArgumentException if the window is empty or wraps around
    public synchronized Claim claim(String deviceName, long start, long length, IoDevice device) {
        Claim claim = new Claim(window(deviceName, start, length, device));
        claims.add(claim);
        rebuild();
        return claim;
    }

    /// Takes a claim away; a second time does nothing.
    public synchronized void release(Claim claim) {
        if (claims.remove(claim)) rebuild();
    }

    private Window window(String deviceName, long start, long length, IoDevice device) {
        if (start < 0 || length <= 0 || start + length < 0) {
            throw new IllegalArgumentException("%s: window of %s at %#x has length %#x".formatted(name, deviceName, start, length));
        }
        return new Window(deviceName, start, start + length, start, device, device.widestAccess());
    }

    private void rebuild() {
        List<Window> sorted = new ArrayList<>(fixed);
        sorted.sort(Comparator.comparingLong(Window::start));
        for (Claim claim : claims) fill(sorted, claim.whole);
        windows = new Windows(sorted.toArray(Window[]::new));
    }

    /// Adds the parts of `claimed` that nothing in `sorted` has.
    private static void fill(List<Window> sorted, Window claimed) {
        long from = claimed.start;
        int at = 0;
        while (from < claimed.end) {
            while (at < sorted.size() && sorted.get(at).end <= from) at++;
            long until = at < sorted.size() ? Math.min(claimed.end, sorted.get(at).start) : claimed.end;
            if (until > from) {
                sorted.add(at, claimed.part(from, until));
                at++;
            }
            from = at < sorted.size() ? Math.max(until, sorted.get(at).end) : claimed.end;
        }
    }

    public long read(long address, int size) {
        Window w = windows.at(address);
        if (w != null && size <= w.widest && address + size <= w.end) return w.device.read(address - w.origin, size) & mask(size);
        return readInPieces(address, size);
    }

    public void write(long address, int size, long value) {
        Window w = windows.at(address);
        if (w != null && size <= w.widest && address + size <= w.end) {
            w.device.write(address - w.origin, size, value & mask(size));
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
                part = w.device.read(address + done - w.origin, piece);
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
                w.device.write(address + done - w.origin, piece, (value >>> (done * 8)) & mask(piece));
                claimed = true;
            }
            done += piece;
        }
        if (!claimed) unclaimedWrites.increment();
    }

    private static long mask(int size) {
        return size == 8 ? -1L : (1L << (size * 8)) - 1;
    }

    /// @param origin where the device's offset 0 is, at or below `start`
    private record Window(String name, long start, long end, long origin, IoDevice device, int widest) {
        Window part(long from, long until) {
            return new Window(name, from, until, origin, device, widest);
        }

        /// The largest naturally aligned piece at `address` that the device takes, the window holds and `remaining` allows.
        int pieceAt(long address, int remaining) {
            int piece = widest;
            while (piece > remaining || address + piece > end || ((address - origin) & (piece - 1)) != 0) piece >>= 1;
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
