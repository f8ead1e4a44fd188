package io.kahvem.block.nbd;

import io.kahvem.block.BlockNode;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.qcow2.Qcow2Node;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a server has to offer: one disk.
///
/// @param name what clients ask for
/// @param description for people, or null
/// @param readOnly whether writes are refused
/// @param allocationDepth whether clients may ask which layer has a stretch
/// @param bitmap the name of a bitmap of the image that clients may ask for, or null
/// @param sharedBy how many clients there may be at a time
public record NbdExport(
        BlockNode node, String name, @Nullable String description, boolean readOnly, boolean allocationDepth, @Nullable String bitmap,
        int sharedBy) {
    private static final String DEPTH = "qemu:allocation-depth";
    private static final String BITMAP = "qemu:dirty-bitmap:";

    public NbdExport {
        if (name.getBytes(StandardCharsets.UTF_8).length > Nbd.MOST_NAME) throw new IllegalArgumentException("name too long: " + name);
        if (sharedBy < 1) throw new IllegalArgumentException("shared by " + sharedBy);
    }

    /// Kinds of what clients may ask of a stretch; an ordinal and one is its number on the wire.
    enum Context {
        ALLOCATION,
        DEPTH,
        BITMAP
    }

    @Nullable String nameOf(Context context) {
        return switch (context) {
            case ALLOCATION -> Nbd.BASE_ALLOCATION;
            case DEPTH -> allocationDepth ? DEPTH : null;
            case BITMAP -> bitmap == null ? null : BITMAP + bitmap;
        };
    }

    /// Those a query means: a name, or a name space with its colon for all in it where `listing`.
    List<Context> matching(String query, boolean listing) {
        List<Context> found = new ArrayList<>();
        for (Context context : Context.values()) {
            String its = nameOf(context);
            if (its != null && (its.equals(query) || listing && query.endsWith(":") && its.startsWith(query))) found.add(context);
        }
        return found;
    }

    @Nullable DirtyBitmap dirtyBitmap() {
        return bitmap != null && node instanceof Qcow2Node qcow2 ? qcow2.bitmaps().needed(bitmap) : null;
    }

    int transmissionFlags(boolean structured) {
        int flags = Nbd.HAS_FLAGS | Nbd.SEND_FLUSH | Nbd.SEND_FUA | Nbd.SEND_CACHE;
        flags |= readOnly ? Nbd.READ_ONLY : Nbd.SEND_TRIM | Nbd.SEND_WRITE_ZEROES;
        if (structured) flags |= Nbd.SEND_DF;
        if (readOnly || sharedBy > 1) flags |= Nbd.CAN_MULTI_CONN; // one node serves all: a flush covers every connection's writes
        return flags;
    }
}
