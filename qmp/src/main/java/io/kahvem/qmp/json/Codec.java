package io.kahvem.qmp.json;

import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.JsonNull;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Trees to records and back, by their shapes. A tree is made of Map, List, String, Long, BigInteger (what a Long cannot hold), Double,
/// Boolean and [JsonNull].
///
/// Any thread. Reading is strict or lenient: a server refuses members it does not know, in QEMU's words; a client leaves them out.
///
/// Types are told apart by instanceof, here and in [Json]: a switch over them is linked by code that Java makes at each start anew, and a
/// daemon that finds its machines again would wait for it.
public final class Codec {
    private final boolean strict;
    private final Map<Class<?>, Written> written = new ConcurrentHashMap<>();

    /// How records of one class are written.
    ///
    /// @param tags the discriminator and this record's value of it, or nothing
    private record Written(Map<String, String> tags, List<Shape.Member> members) {
        static Written of(Class<?> type) {
            Map<String, String> tags = new LinkedHashMap<>();
            for (Class<?> face : type.getInterfaces()) {
                if (face.isSealed() && Shape.of(face) instanceof Shape.Union union) tags.put(union.tag(), Names.of(type));
            }
            return new Written(tags, Shape.ofRecord(type).members());
        }
    }

    private Codec(boolean strict) {
        this.strict = strict;
    }

    public static Codec strict() {
        return new Codec(true);
    }

    public static Codec lenient() {
        return new Codec(false);
    }

    /// Throws [QmpException] for what does not fit.
    public Object read(Shape shape, Object tree) {
        return read(shape, tree, "");
    }

    private Object read(Shape shape, Object tree, String path) {
        if (shape instanceof Shape.Builtin builtin) return scalar(builtin, tree, path);
        if (shape instanceof Shape.Structure structure) return structure(structure, object(tree, path), path, "");
        if (shape instanceof Shape.Enumeration enumeration) return constant(enumeration, tree, path);
        if (shape instanceof Shape.Array array) return list(array, tree, path);
        if (shape instanceof Shape.Union union) return variant(union, object(tree, path), path);
        throw new AssertionError(shape);
    }

    private static Object constant(Shape.Enumeration enumeration, Object tree, String path) {
        if (!(tree instanceof String text)) throw wrongType(path, "string");
        Object constant = enumeration.constants().get(text);
        if (constant == null) throw notAccepted(path, text);
        return constant;
    }

    private List<Object> list(Shape.Array array, Object tree, String path) {
        if (!(tree instanceof List<?> list)) throw wrongType(path, "array");
        List<Object> elements = new ArrayList<>();
        for (Object element : list) elements.add(read(array.element(), element, "%s[%d]".formatted(path, elements.size())));
        return List.copyOf(elements);
    }

    private Object variant(Shape.Union union, Map<?, ?> object, String path) {
        Object tag = object.get(union.tag());
        if (tag == null) throw missing(join(path, union.tag()));
        if (!(tag instanceof String name)) throw wrongType(join(path, union.tag()), "string");
        Shape.Structure variant = union.variants().get(name);
        if (variant == null) throw notAccepted(union.tag(), name);
        return structure(variant, object, path, union.tag());
    }

    private Object structure(Shape.Structure structure, Map<?, ?> object, String path, String tag) {
        @Nullable Object[] values = new @Nullable Object[structure.members().size()];
        int known = object.containsKey(tag) ? 1 : 0;
        for (int n = 0; n < values.length; n++) {
            Shape.Member member = structure.members().get(n);
            Object tree = object.get(member.name());
            if (tree != null) known++;
            if (tree == null && !member.optional()) throw missing(join(path, member.name()));
            @Nullable Object value = tree == null ? null : read(member.shape(), tree, join(path, member.name()));
            values[n] = member.optional() ? Optional.ofNullable(value) : value;
        }
        if (strict && known < object.size()) throw unexpected(structure, object, path, tag);
        return structure.make(values);
    }

    private static QmpException unexpected(Shape.Structure structure, Map<?, ?> object, String path, String tag) {
        List<String> names = structure.members().stream().map(Shape.Member::name).toList();
        for (Object key : object.keySet()) {
            if (!key.equals(tag) && !names.contains(key)) {
                return new QmpException("Parameter '%s' is unexpected".formatted(join(path, shortened(String.valueOf(key)))));
            }
        }
        throw new AssertionError("every member is known");
    }

    private static Object scalar(Shape.Builtin builtin, Object tree, String path) {
        return switch (builtin) {
            case STR -> {
                if (!(tree instanceof String)) throw wrongType(path, "string");
                yield tree;
            }
            case INT -> {
                if (tree instanceof BigInteger large) yield unsigned(large, path);
                if (!(tree instanceof Long)) throw wrongType(path, "integer");
                yield tree;
            }
            case NUMBER -> {
                if (!(tree instanceof Number number)) throw wrongType(path, "number");
                yield number.doubleValue();
            }
            case BOOL -> {
                if (!(tree instanceof Boolean)) throw wrongType(path, "boolean");
                yield tree;
            }
            case NULL -> {
                if (tree != JsonNull.NULL) throw wrongType(path, "null");
                yield tree;
            }
            case ANY -> tree;
        };
    }

    /// An unsigned 64-bit number as the long of the same bits.
    private static Object unsigned(BigInteger large, String path) {
        if (large.signum() < 0 || large.bitLength() > Long.SIZE) throw wrongType(path, "integer");
        return large.longValue();
    }

    private static Map<?, ?> object(Object tree, String path) {
        if (tree instanceof Map<?, ?> object) return object;
        throw wrongType(path, "object");
    }

    private static String join(String path, String member) {
        return path.isEmpty() ? member : path + "." + member;
    }

    /// Errors go into replies: what a client sent does not come back whole.
    private static String shortened(String text) {
        return text.length() <= 64 ? text : text.substring(0, 64) + "...";
    }

    /// QEMU names the member alone here, and calls an element of a list null.
    private static QmpException notAccepted(String path, String value) {
        String name = path.endsWith("]") ? "null" : path.substring(path.lastIndexOf('.') + 1);
        return new QmpException("Parameter '%s' does not accept value '%s'".formatted(name, shortened(value)));
    }

    private static QmpException missing(String path) {
        return new QmpException("Parameter '%s' is missing".formatted(path));
    }

    private static QmpException wrongType(String path, String expected) {
        return new QmpException("Invalid parameter type for '%s', expected: %s".formatted(path, expected));
    }

    /// The tree of a value of the schema's types.
    public Object write(Object value) {
        if (value instanceof Record record) return structure(record);
        if (value instanceof List<?> list) return list.stream().map(this::write).toList();
        if (value instanceof String || value instanceof Long || value instanceof Double || value instanceof Boolean) return value;
        if (value instanceof Map<?, ?> || value instanceof JsonNull) return value;
        if (value instanceof Enum<?> constant) return Names.of(constant);
        throw new AssertionError("QAPI has nothing for " + value.getClass());
    }

    private Map<String, Object> structure(Record record) {
        Written how = written.computeIfAbsent(record.getClass(), Written::of);
        Map<String, Object> object = new LinkedHashMap<>(how.tags);
        for (Shape.Member member : how.members) {
            Object value = member.of(record);
            if (value instanceof Optional<?> optional) {
                optional.ifPresent(present -> object.put(member.name(), write(present)));
            } else {
                object.put(member.name(), write(value));
            }
        }
        return object;
    }
}
