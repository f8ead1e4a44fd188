package io.kahvem.block.vmdk;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CheckedNode;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.Extent;
import io.kahvem.block.FormatInfo;
import io.kahvem.block.Preallocation;
import io.kahvem.block.Repair;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.WindowNode;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A VMDK disk: its extents, one behind the other.
final class VmdkNode implements CheckedNode, CompressingNode {
    /// A stretch of the disk.
    ///
    /// @param start its first byte
    /// @param node a [SparseExtent] or a [WindowNode], or null: zeros
    /// @param type as the description names it, empty where it is in the image itself
    record Part(long start, long length, @Nullable BlockNode node, String type) {}

    /// Does something to a stretch that lies in one part.
    private interface Step {
        void at(Part part, long done, long offsetInPart, long length);
    }

    private final BlockNode file;
    private final Description description;
    private final long descriptionOffset;
    private final long descriptionBytes;
    private final List<Part> parts;
    private final long sizeBytes;
    private volatile @Nullable BlockNode backing;
    private boolean changed;
    private boolean closed;

    /// @param descriptionBytes what room the description has in its file; 0: the file is the description alone
    VmdkNode(BlockNode file, Description description, long descriptionOffset, long descriptionBytes, List<Part> parts) {
        this.file = file;
        this.description = description;
        this.descriptionOffset = descriptionOffset;
        this.descriptionBytes = descriptionBytes;
        this.parts = List.copyOf(parts);
        sizeBytes = parts.isEmpty() ? 0 : parts.getLast().start + parts.getLast().length;
    }

    private Part partAt(long offset) {
        int low = 0;
        int high = parts.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) / 2;
            if (parts.get(middle).start <= offset) low = middle;
            else high = middle - 1;
        }
        return parts.get(low);
    }

    private void each(long offset, long length, Step step) {
        for (long done = 0; done < length; ) {
            Part part = partAt(offset + done);
            long within = offset + done - part.start;
            long n = Math.min(length - done, part.length - within);
            step.at(part, done, within, n);
            done += n;
        }
    }

    private BlockNode writable(Part part) {
        if (isReadOnly()) throw new BlockException(Errno.EROFS, "'%s' is read-only".formatted(name()));
        BlockNode node = part.node;
        if (node == null) throw new BlockException(Errno.EROFS, "%s: an extent of type ZERO cannot be written".formatted(name()));
        changeCid();
        return node;
    }

    /// Children of this disk are to see that it has changed.
    private synchronized void changeCid() {
        if (changed) return;
        changed = true;
        description.changeCid(ThreadLocalRandom.current().nextLong(1, Description.NO_PARENT - 1));
        byte[] text = description.text().getBytes(StandardCharsets.UTF_8);
        if (descriptionBytes == 0) {
            file.resize(text.length, Preallocation.OFF);
            FileBytes.write(file, 0, text);
        } else if (text.length <= descriptionBytes) {
            FileBytes.write(file, descriptionOffset, Arrays.copyOf(text, (int) descriptionBytes));
        }
    }

    @Override
    public void read(long offset, MemorySegment into) {
        each(offset, into.byteSize(), (part, done, within, length) -> {
            MemorySegment to = into.asSlice(done, length);
            if (part.node == null) to.fill((byte) 0);
            else part.node.read(within, to);
        });
    }

    @Override
    public void write(long offset, MemorySegment from) {
        each(offset, from.byteSize(), (part, done, within, length) -> writable(part).write(within, from.asSlice(done, length)));
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        each(offset, length, (part, done, within, n) -> {
            if (part.node != null) writable(part).writeZeroes(within, n, mayUnmap);
        });
    }

    @Override
    public void discard(long offset, long length) {
        each(offset, length, (part, done, within, n) -> {
            if (part.node != null) writable(part).discard(within, n);
        });
    }

    @Override
    public void writeCompressed(long offset, MemorySegment cluster) {
        each(offset, cluster.byteSize(), (part, done, within, length) -> {
            BlockNode node = writable(part);
            if (!(node instanceof SparseExtent extent) || !extent.needsCompressedWrites()) {
                throw new BlockException(Errno.EOPNOTSUPP, "Compression not supported for this file format");
            }
            extent.writeCompressed(within, cluster.asSlice(done, length));
        });
    }

    @Override
    public boolean needsCompressedWrites() {
        return parts.stream().anyMatch(part -> part.node instanceof SparseExtent extent && extent.needsCompressedWrites());
    }

    @Override
    public void flush() {
        for (Part part : parts) if (part.node != null) part.node.flush();
        file.flush();
    }

    @Override
    public Extent extentAt(long offset, long length) {
        Part part = partAt(offset);
        long within = offset - part.start;
        long most = Math.min(length, part.length - within);
        return part.node == null ? Extent.zero(most) : part.node.extentAt(within, most);
    }

    @Override
    public BlockNode fileAt(long offset) {
        BlockNode node = partAt(offset).node;
        return node == null ? file : node.children().getLast();
    }

    @Override
    public CheckResult check(Repair what, Consumer<String> lines) {
        long corruptions = 0;
        for (Part part : parts) if (part.node instanceof SparseExtent extent) corruptions += extent.check(what, lines).corruptions();
        return new CheckResult(0, corruptions, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    @Override
    public @Nullable BlockNode backing() {
        return backing;
    }

    @Override
    public @Nullable String backingFile() {
        return description.parent();
    }

    @Override
    public @Nullable String backingFormat() {
        return description.parent() == null ? null : VmdkFormat.NAME;
    }

    @Override
    public void attachBacking(@Nullable BlockNode below) {
        if (below instanceof VmdkNode parent && parent.cid() != description.parentCid()) {
            throw BlockException.invalid(("'%s' has changed since '%s' was made over it: its content ID is %08x, and %08x is recorded")
                    .formatted(parent.name(), name(), parent.cid(), description.parentCid()));
        }
        backing = below;
        for (Part part : parts) if (part.node instanceof SparseExtent extent) extent.showsBelow(below, part.start);
    }

    long cid() {
        return description.cid();
    }

    @Override
    public FormatInfo info() {
        Map<String, Object> specific = new LinkedHashMap<>();
        specific.put("cid", description.cid());
        specific.put("parent-cid", description.parentCid());
        specific.put("create-type", description.createType());
        specific.put("extents", parts.stream().map(this::info).toList());
        BlockNode first = parts.isEmpty() ? null : parts.getFirst().node;
        return new FormatInfo(first instanceof SparseExtent ? first.clusterSize() : 0, specific, false);
    }

    private Map<String, Object> info(Part part) {
        Map<String, Object> one = new LinkedHashMap<>();
        SparseExtent sparse = part.node instanceof SparseExtent extent ? extent : null;
        if (sparse != null && sparse.needsCompressedWrites()) one.put("compressed", true);
        one.put("virtual-size", part.length);
        one.put("filename", part.node == null ? "" : part.node.name());
        if (sparse != null) one.put("cluster-size", (long) sparse.clusterSize());
        one.put("format", part.type);
        return one;
    }

    @Override
    public String format() {
        return VmdkFormat.NAME;
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean isReadOnly() {
        return file.isReadOnly();
    }

    @Override
    public List<BlockNode> children() {
        List<BlockNode> children = new ArrayList<>(List.of(file));
        for (Part part : parts) if (part.node != null) children.addAll(part.node.children());
        return children.stream().distinct().toList();
    }

    @Override
    public int clusterSize() {
        BlockNode first = parts.isEmpty() ? null : parts.getFirst().node;
        return first == null ? 1 : first.clusterSize();
    }

    @Override
    public long allocatedSize() {
        return children().stream().mapToLong(BlockNode::allocatedSize).sum();
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        try {
            for (Part part : parts) if (part.node != null) part.node.close();
        } finally {
            file.close();
            BlockNode below = backing;
            if (below != null) below.close();
        }
    }
}
