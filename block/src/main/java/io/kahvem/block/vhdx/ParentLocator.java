package io.kahvem.block.vhdx;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.Parent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/// The metadata item that names a differencing disk's parent ([MS-VHDX] 2.6.2.6): pairs of a key and a value in UTF-16.
final class ParentLocator {
    private static final UUID VHDX_LOCATOR = UUID.fromString("b04aefb7-d19e-4a81-b789-25b8e9445913");
    private static final int HEADER = 20;
    private static final int ENTRY = 12;
    private static final int MOST_BYTES = 1 << 20;

    private ParentLocator() {}

    static Parent read(BlockNode file, long offset, long length) {
        if (length < HEADER || length > MOST_BYTES) throw BlockException.invalid("VHDX parent locator of %d bytes".formatted(length));
        ByteBuffer b = FileBytes.read(file, offset, (int) length, ByteOrder.LITTLE_ENDIAN);
        UUID type = Guid.get(b, 0);
        if (!type.equals(VHDX_LOCATOR)) throw BlockException.invalid("VHDX parent locator of the unknown type " + type);
        int count = b.getShort(18) & 0xffff;
        if (HEADER + (long) count * ENTRY > length) throw BlockException.invalid("VHDX parent locator with %d entries".formatted(count));
        Map<String, String> values = new HashMap<>();
        for (int n = 0; n < count; n++) {
            int at = HEADER + n * ENTRY;
            values.put(text(b, b.getInt(at), b.getShort(at + 8)), text(b, b.getInt(at + 4), b.getShort(at + 10)));
        }
        Set<UUID> ids = new HashSet<>();
        ids.add(linkage(values.getOrDefault("parent_linkage", "")));
        if (values.containsKey("parent_linkage2")) ids.add(linkage(values.get("parent_linkage2")));
        List<String> paths = Stream.of("relative_path", "absolute_win32_path", "volume_path")
                .map(values::get).filter(Objects::nonNull).toList();
        return Parent.of(file.name(), paths, ids);
    }

    private static String text(ByteBuffer b, int offset, short length) {
        int bytes = length & 0xffff;
        if (offset < 0 || offset > b.capacity() - bytes) {
            throw BlockException.invalid("VHDX parent locator with text at %d of %d bytes".formatted(offset & 0xffff_ffffL, bytes));
        }
        return new String(b.array(), offset, bytes, StandardCharsets.UTF_16LE);
    }

    /// A GUID in braces.
    private static UUID linkage(String text) {
        if (!text.matches("\\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}}")) {
            throw BlockException.invalid("VHDX parent linkage '%s'".formatted(text));
        }
        return UUID.fromString(text.substring(1, text.length() - 1));
    }
}
