package io.kahvem.block;

import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One layer of a disk: a host file, or a format over another node. Calls block the thread that makes them, and any number of threads may
/// call at once; overlapping writes under way at one time leave one or the other, a sector at a time.
///
/// Failures are thrown as [BlockException]; a failed write may have happened in part. Memory is native.
public interface BlockNode extends AutoCloseable {
    /// `file`, `raw`, `qcow2`...
    String format();

    /// What QEMU calls it in messages: its file's path as the user gave it, or its `nbd:` or `json:` name.
    String name();

    long sizeBytes();

    boolean isReadOnly();

    /// Fills `into` from the disk. All of it is inside the disk.
    void read(long offset, MemorySegment into);

    void write(long offset, MemorySegment from);

    default void readVector(long offset, IoVector into) {
        if (into.count() == 1) {
            read(offset, into.range(0));
            return;
        }
        Bounce.eachPart(into.lengthBytes(), (start, part) -> {
            read(offset + start, part);
            into.copyFrom(start, part);
        });
    }

    /// Reads what is in the host's memory, without waiting for a disk or for other requests. Whether it could; if not, `into` may have
    /// changed. Throws nothing: what fails is told to the read that waits.
    default boolean readAtOnce(long offset, IoVector into) {
        return false;
    }

    default void writeVector(long offset, IoVector from) {
        if (from.count() == 1) {
            write(offset, from.range(0));
            return;
        }
        Bounce.eachPart(from.lengthBytes(), (start, part) -> {
            from.copyTo(start, part);
            write(offset + start, part);
        });
    }

    /// The range reads as zeros afterwards.
    ///
    /// @param mayUnmap it may be given back; else it stays allocated, so that writing there later does not fail for lack of room
    void writeZeroes(long offset, long length, boolean mayUnmap);

    /// The range's content matters no more. What cannot be given back is left as it is.
    void discard(long offset, long length);

    /// What writes have completed before is on the medium.
    void flush();

    /// What this layer has at `offset`: an extent that starts there and is at most `length` bytes long, with the same to say of all of it.
    Extent extentAt(long offset, long length);

    /// Throws [BlockException] for a format that keeps its size.
    ///
    /// @param preallocation for what it grows by
    default void resize(long sizeBytes, Preallocation preallocation) {
        throw new BlockException(Errno.EOPNOTSUPP, "Image format driver does not support resize");
    }

    /// The layer that shows where this one has nothing, if there is one.
    default @Nullable BlockNode backing() {
        return null;
    }

    /// What is recorded of the layer below: its file's name, which may be relative to this one's directory, or null.
    default @Nullable String backingFile() {
        return null;
    }

    /// What is recorded of the format of the layer below.
    default @Nullable String backingFormat() {
        return null;
    }

    /// Shows `below` where this layer has nothing, and closes it with itself; what is recorded stays.
    default void attachBacking(@Nullable BlockNode below) {
        throw new UnsupportedOperationException(format() + " has no layer below");
    }

    /// Records another layer below. Throws [BlockException] for a format that cannot.
    default void changeBackingFile(@Nullable String file, @Nullable String format) {
        throw new BlockException(Errno.EOPNOTSUPP, "Cannot change backing file of '%s': %s has none".formatted(name(), format()));
    }

    /// The layers that hold this one's bytes: none for a host file.
    default List<BlockNode> children() {
        return List.of();
    }

    /// The one of [#children] that has the bytes at `offset`; this layer itself if none has.
    default BlockNode fileAt(long offset) {
        List<BlockNode> children = children();
        return children.isEmpty() ? this : children.getLast();
    }

    /// What allocation goes by, in bytes; 1 where it does not matter.
    int clusterSize();

    /// What is told of it in `kahvem image info`, beyond what every node has.
    default FormatInfo info() {
        return FormatInfo.NONE;
    }

    /// Changes whether it may be written, with the locks that go with it; what it holds in memory is in the file before. Throws
    /// [BlockException] where the host or another process does not allow it; it is what it was then.
    default void setReadOnly(boolean readOnly) {
        if (readOnly != isReadOnly()) throw new BlockException(Errno.EOPNOTSUPP, name() + " cannot be opened again");
    }

    /// Bytes it takes of the host's disk.
    long allocatedSize();

    /// Writes what is in memory, and closes the layers below. Doing it twice does nothing. No call may be under way.
    @Override
    void close();
}
