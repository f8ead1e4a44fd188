package io.kahvem.block.vpc;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.Parent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/// What a differencing disk's dynamic header says of the parent ("Dynamic Disk Header Format", "Parent Locator Entries").
final class ParentLocators {
    private static final int PARENT_ID = 40;
    private static final int PARENT_UNICODE_NAME = 64;
    private static final int NAME_BYTES = 512;
    private static final int LOCATORS = 576;
    private static final int LOCATOR_BYTES = 24;
    private static final int MOST_LOCATORS = 8;
    private static final int MOST_PATH_BYTES = 64 << 10;
    private static final int RELATIVE = 0x5732_7275; // "W2ru"
    private static final int ABSOLUTE = 0x5732_6b75; // "W2ku"

    private ParentLocators() {}

    static Parent read(BlockNode file, ByteBuffer header) {
        List<String> paths = new ArrayList<>();
        for (int wanted : new int[] {RELATIVE, ABSOLUTE}) {
            for (int n = 0; n < MOST_LOCATORS; n++) {
                int at = LOCATORS + n * LOCATOR_BYTES;
                if (header.getInt(at) == wanted) paths.add(path(file, header.getInt(at + 8), header.getLong(at + 16)));
            }
        }
        byte[] name = new byte[NAME_BYTES];
        header.get(PARENT_UNICODE_NAME, name);
        paths.add(text(name, StandardCharsets.UTF_16BE));
        return Parent.of(file.name(), paths, Set.of(new UUID(header.getLong(PARENT_ID), header.getLong(PARENT_ID + 8))));
    }

    private static String path(BlockNode file, int length, long offset) {
        if (length < 0 || length > MOST_PATH_BYTES || offset < 0 || offset > file.sizeBytes() - length) {
            throw BlockException.invalid("VHD parent locator at %d of %d bytes".formatted(offset, length));
        }
        byte[] bytes = new byte[length];
        FileBytes.read(file, offset, length, ByteOrder.BIG_ENDIAN).get(bytes);
        return text(bytes, StandardCharsets.UTF_16LE);
    }

    private static String text(byte[] bytes, Charset charset) {
        String text = new String(bytes, charset);
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }
}
