package io.kahvem.kvm.abi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.UnionLayout;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// The words that structures of C are written with, and the way to a field by its path: `cs.base`, `db[2]`.
public final class Fields {
    /// A field's place in its structure.
    public record Field(long offset, MemoryLayout layout) {}

    private Fields() {}

    static ValueLayout u8(String name) {
        return JAVA_BYTE.withName(name);
    }

    static ValueLayout u16(String name) {
        return JAVA_SHORT.withName(name);
    }

    static ValueLayout u32(String name) {
        return JAVA_INT.withName(name);
    }

    static ValueLayout u64(String name) {
        return JAVA_LONG.withName(name);
    }

    static MemoryLayout u8s(String name, int count) {
        return array(name, count, JAVA_BYTE);
    }

    static MemoryLayout u64s(String name, int count) {
        return array(name, count, JAVA_LONG);
    }

    static MemoryLayout array(String name, int count, MemoryLayout element) {
        return MemoryLayout.sequenceLayout(count, element).withName(name);
    }

    static MemoryLayout pad(int bytes) {
        return MemoryLayout.paddingLayout(bytes);
    }

    static StructLayout struct(String name, MemoryLayout... members) {
        return MemoryLayout.structLayout(members).withName(name);
    }

    /// A union without a name: its members are reached as if they were the structure's own.
    static UnionLayout union(MemoryLayout... members) {
        return MemoryLayout.unionLayout(members);
    }

    /// The offset of a field, for the paths that run at each exit.
    public static long offset(GroupLayout layout, String path) {
        return find(layout, path).offset();
    }

    /// Throws IllegalArgumentException where there is no such field.
    public static Field find(GroupLayout layout, String path) {
        Field at = new Field(0, layout);
        for (String step : path.split("\\.", -1)) {
            int bracket = step.indexOf('[');
            String name = bracket < 0 ? step : step.substring(0, bracket);
            at = member(at, name);
            if (at == null) throw new IllegalArgumentException("no field " + path + " in " + layout.name().orElse("structure"));
            if (bracket >= 0) {
                SequenceLayout array = (SequenceLayout) at.layout();
                int index = Integer.parseInt(step.substring(bracket + 1, step.length() - 1));
                if (index >= array.elementCount()) throw new IllegalArgumentException(path + " is beyond the array's end");
                at = new Field(at.offset() + index * array.elementLayout().byteSize(), array.elementLayout());
            }
        }
        return at;
    }

    private static @Nullable Field member(Field of, String name) {
        if (!(of.layout() instanceof GroupLayout group)) return null;
        long offset = of.offset();
        for (MemoryLayout member : group.memberLayouts()) {
            Field here = new Field(offset, member);
            if (member.name().isEmpty()) {
                Field inside = member(here, name);
                if (inside != null) return inside;
            } else if (member.name().get().equals(name)) {
                return here;
            }
            if (group instanceof StructLayout) offset += member.byteSize();
        }
        return null;
    }
}
