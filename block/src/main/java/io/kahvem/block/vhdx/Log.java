package io.kahvem.block.vhdx;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Preallocation;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.TablePages;
import io.kahvem.host.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The log ([MS-VHDX] 2.3), which sectors of the table of blocks go through, so that a crash leaves all of a change or nothing. Written one
/// entry at a time, always at its beginning: when the next one is written, what the last one says is in its place.
final class Log {
    static final int SECTOR = 4096;
    private static final int ENTRY_SIGNATURE = 0x6567_6f6c; // "loge"
    private static final int DESCRIPTOR_SIGNATURE = 0x6373_6564; // "desc"
    private static final int ZERO_SIGNATURE = 0x6f72_657a; // "zero"
    private static final int DATA_SIGNATURE = 0x6174_6164; // "data"
    private static final int HEADER = 64;
    private static final int DESCRIPTOR = 32;
    private static final int MOST_PAGES = (SECTOR - HEADER) / DESCRIPTOR;

    private final BlockNode file;
    private final Headers headers;
    private long sequence;

    Log(BlockNode file, Headers headers) {
        this.file = file;
        this.headers = headers;
    }

    /// One valid entry, as it is in the log.
    private record Entry(int offset, ByteBuffer bytes) {
        long sequence() {
            return bytes.getLong(16);
        }

        int tail() {
            return bytes.getInt(12);
        }

        int length() {
            return bytes.getInt(8);
        }
    }

    /// Whether there is something in it that has to be done.
    boolean isPending() {
        return !headers.logId().equals(Guid.ZERO) && !activeEntries().isEmpty();
    }

    /// Does again what it says, and empties it.
    void replay() {
        for (Entry entry : activeEntries()) replay(entry);
        headers.change(Guid.ZERO, false);
    }

    /// The valid run of entries that ends with the highest sequence number ([MS-VHDX] 2.3.3); none if there is none.
    private List<Entry> activeEntries() {
        List<Entry> best = new ArrayList<>();
        for (int at = 0; at < headers.logLength(); ) {
            List<Entry> run = new ArrayList<>();
            int next = at;
            long length = 0;
            for (Entry entry = read(next); entry != null; entry = read(next)) {
                if (!run.isEmpty() && entry.sequence() != run.getLast().sequence() + 1) break;
                run.add(entry);
                length += entry.length();
                next = (int) ((next + (long) entry.length()) % headers.logLength());
                if (length >= headers.logLength()) break;
            }
            boolean whole = !run.isEmpty() && run.stream().anyMatch(entry -> entry.offset == run.getLast().tail());
            if (whole && (best.isEmpty() || run.getLast().sequence() > best.getLast().sequence())) {
                int tail = run.getLast().tail();
                while (run.getFirst().offset != tail) run.removeFirst();
                best = run;
            }
            at = run.isEmpty() || next <= at ? at + SECTOR : next;
        }
        return best;
    }

    private @Nullable Entry read(int at) {
        ByteBuffer head = FileBytes.read(file, headers.logOffset() + at, SECTOR, ByteOrder.LITTLE_ENDIAN);
        if (head.getInt(0) != ENTRY_SIGNATURE) return null;
        int length = head.getInt(8);
        int descriptors = head.getInt(24);
        boolean sane = length > 0 && length % SECTOR == 0 && length <= headers.logLength() && head.getInt(12) % SECTOR == 0
                && descriptors >= 0 && HEADER + (long) descriptors * DESCRIPTOR <= length && Guid.get(head, 32).equals(headers.logId());
        if (!sane) return null;
        ByteBuffer whole = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        int first = Math.min(length, headers.logLength() - at);
        whole.put(0, FileBytes.read(file, headers.logOffset() + at, first, ByteOrder.LITTLE_ENDIAN).array());
        if (first < length) {
            whole.put(first, FileBytes.read(file, headers.logOffset(), length - first, ByteOrder.LITTLE_ENDIAN).array());
        }
        return Checksum.isRight(whole, length) ? new Entry(at, whole) : null;
    }

    private void replay(Entry entry) {
        ByteBuffer b = entry.bytes;
        int descriptors = b.getInt(24);
        int data = (HEADER + descriptors * DESCRIPTOR + SECTOR - 1) / SECTOR * SECTOR;
        for (int n = 0; n < descriptors; n++) {
            int at = HEADER + n * DESCRIPTOR;
            long offset = b.getLong(at + 16);
            if (offset < 0 || offset % SECTOR != 0) throw damaged("offset " + offset);
            switch (b.getInt(at)) {
                case ZERO_SIGNATURE -> {
                    long length = b.getLong(at + 8);
                    if (length < 0 || length > file.sizeBytes()) throw damaged("zeros of %d bytes".formatted(length));
                    file.writeZeroes(offset, length, false);
                }
                case DESCRIPTOR_SIGNATURE -> {
                    if (data + SECTOR > entry.length() || b.getInt(data) != DATA_SIGNATURE) throw damaged("no data at " + data);
                    byte[] sector = new byte[SECTOR];
                    b.get(data, sector);
                    ByteBuffer whole = ByteBuffer.wrap(sector).order(ByteOrder.LITTLE_ENDIAN);
                    whole.putLong(0, b.getLong(at + 8)).putInt(SECTOR - 4, b.getInt(at + 4));
                    FileBytes.write(file, offset, sector);
                    data += SECTOR;
                }
                default -> throw damaged("descriptor %#x".formatted(b.getInt(at)));
            }
        }
        long length = b.getLong(56);
        if (length > file.sizeBytes() && length % SECTOR == 0 && length < 1L << 56) file.resize(length, Preallocation.OFF);
        file.flush();
    }

    private BlockException damaged(String what) {
        return new BlockException(Errno.EIO, "%s: the log is damaged: %s".formatted(file.name(), what));
    }

    /// Writes changed pages of a table in place, by way of the log.
    void write(TablePages table) {
        if (headers.logId().equals(Guid.ZERO)) headers.change(UUID.randomUUID(), false);
        List<Long> offsets = new ArrayList<>();
        List<byte[]> pages = new ArrayList<>();
        table.writeChanged((offset, page) -> {
            offsets.add(offset);
            pages.add(page);
            if (pages.size() == MOST_PAGES) writeEntry(offsets, pages);
        });
        if (!pages.isEmpty()) writeEntry(offsets, pages);
    }

    private void writeEntry(List<Long> offsets, List<byte[]> pages) {
        sequence++;
        int length = SECTOR * (1 + pages.size());
        ByteBuffer b = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, ENTRY_SIGNATURE).putInt(8, length).putLong(16, sequence).putInt(24, pages.size());
        Guid.put(b, 32, headers.logId());
        b.putLong(48, file.sizeBytes()).putLong(56, file.sizeBytes());
        for (int n = 0; n < pages.size(); n++) {
            ByteBuffer page = ByteBuffer.wrap(pages.get(n)).order(ByteOrder.LITTLE_ENDIAN);
            int at = HEADER + n * DESCRIPTOR;
            b.putInt(at, DESCRIPTOR_SIGNATURE).putInt(at + 4, page.getInt(SECTOR - 4)).putLong(at + 8, page.getLong(0));
            b.putLong(at + 16, offsets.get(n)).putLong(at + 24, sequence);
            int data = SECTOR * (1 + n);
            b.put(data, pages.get(n)).putInt(data, DATA_SIGNATURE).putInt(data + 4, (int) (sequence >>> 32));
            b.putInt(data + SECTOR - 4, (int) sequence);
        }
        Checksum.put(b, length);
        FileBytes.write(file, headers.logOffset(), b.array());
        file.flush();
        for (int n = 0; n < pages.size(); n++) FileBytes.write(file, offsets.get(n), pages.get(n));
        file.flush();
        offsets.clear();
        pages.clear();
    }

    /// All of it is in place: nothing has to be replayed.
    void empty() {
        if (!headers.logId().equals(Guid.ZERO)) headers.change(Guid.ZERO, false);
    }
}
