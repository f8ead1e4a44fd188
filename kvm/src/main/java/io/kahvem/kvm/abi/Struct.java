package io.kahvem.kvm.abi;

import java.lang.foreign.Arena;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A structure in native memory, its fields read and written by path: for what is not done at each exit.
public record Struct(GroupLayout layout, MemorySegment segment) {
    /// All zeros.
    public static Struct allocate(Arena arena, GroupLayout layout) {
        return new Struct(layout, arena.allocate(layout));
    }

    public long address() {
        return segment.address();
    }

    /// Zero-extended.
    public long get(String path) {
        Fields.Field field = Fields.find(layout, path);
        long at = field.offset();
        return switch (field.layout()) {
            case ValueLayout.OfByte type -> segment.get(type, at) & 0xffL;
            case ValueLayout.OfShort type -> segment.get(type, at) & 0xffffL;
            case ValueLayout.OfInt type -> segment.get(type, at) & 0xffff_ffffL;
            case ValueLayout.OfLong type -> segment.get(type, at);
            default -> throw new IllegalArgumentException(path + " is no number");
        };
    }

    public int getInt(String path) {
        return (int) get(path);
    }

    public boolean isSet(String path) {
        return get(path) != 0;
    }

    /// Writes the field's low bytes of `value`.
    public Struct set(String path, long value) {
        Fields.Field field = Fields.find(layout, path);
        long at = field.offset();
        switch (field.layout()) {
            case ValueLayout.OfByte type -> segment.set(type, at, (byte) value);
            case ValueLayout.OfShort type -> segment.set(type, at, (short) value);
            case ValueLayout.OfInt type -> segment.set(type, at, (int) value);
            case ValueLayout.OfLong type -> segment.set(type, at, value);
            default -> throw new IllegalArgumentException(path + " is no number");
        }
        return this;
    }

    public Struct set(String path, boolean value) {
        return set(path, value ? 1 : 0);
    }

    /// A part that is a structure itself.
    public Struct part(String path) {
        Fields.Field field = Fields.find(layout, path);
        return new Struct((GroupLayout) field.layout(), segment.asSlice(field.offset(), field.layout().byteSize()));
    }
}
