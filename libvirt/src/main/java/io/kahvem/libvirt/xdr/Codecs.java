package io.kahvem.libvirt.xdr;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Codecs by description: a record is a struct, its components its members in order.
///
/// | Java | XDR |
/// |---|---|
/// | `int`, `boolean` | int or unsigned int, bool |
/// | `long`, `double` | hyper or unsigned hyper, double |
/// | [String] | string<[Max]> |
/// | [UUID] | opaque[16] |
/// | `byte[]` | opaque<[Max]>, or with [Chars] an array of chars |
/// | [Optional] | optional data: *; any flag but 0 means that it is there |
/// | [List] | array<[Max]> |
/// | a record | struct |
/// | a sealed interface of records with [Arm] | union |
public final class Codecs {
    /// The most octets of a string (REMOTE_STRING_MAX).
    public static final int STRING_MAX = 4 << 20;

    /// The most elements of a list whose component says no other number.
    public static final int LIST_MAX = 16384;

    private static final ClassValue<Codec<?>> STRUCTS = new ClassValue<>() {
        @Override
        protected Codec<?> computeValue(Class<?> type) {
            return type.isRecord() ? struct(type) : union(type);
        }
    };

    private static final Codec<Integer> INT = codec(XdrWriter::writeInt, XdrReader::readInt);
    private static final Codec<Long> LONG = codec(XdrWriter::writeLong, XdrReader::readLong);
    private static final Codec<Boolean> BOOL = codec((out, value) -> out.writeInt(value ? 1 : 0), in -> in.readInt() != 0);
    private static final Codec<Double> DOUBLE = codec(
            (out, value) -> out.writeLong(Double.doubleToRawLongBits(value)), in -> Double.longBitsToDouble(in.readLong()));
    private static final Codec<UUID> UUID_OCTETS = codec(
            (out, value) -> {
                out.writeLong(value.getMostSignificantBits());
                out.writeLong(value.getLeastSignificantBits());
            },
            in -> new UUID(in.readLong(), in.readLong()));

    private Codecs() {}

    /// The codec of a record, or of a sealed interface of records. Throws [IllegalArgumentException] for a type that has no form on the
    /// wire.
    @SuppressWarnings("unchecked") // a class's codec is of its own type
    public static <T> Codec<T> of(Class<T> type) {
        return (Codec<T>) STRUCTS.get(type);
    }

    private static <T> Codec<T> codec(BiConsumer<XdrWriter, T> write, Function<XdrReader, T> read) {
        return new Codec<>() {
            @Override
            public void write(XdrWriter out, T value) {
                write.accept(out, value);
            }

            @Override
            public T read(XdrReader in) {
                return read.apply(in);
            }
        };
    }

    private static Codec<String> string(Limit max) {
        return codec(XdrWriter::writeString, in -> in.readString(max.of(STRING_MAX)));
    }

    private static Codec<byte[]> opaque(Limit max) {
        return codec(XdrWriter::writeOpaque, in -> in.readOpaque(max.of(LIST_MAX)));
    }

    private static Codec<byte[]> chars(int fixed, Limit max) {
        return codec(
                (out, value) -> {
                    if (fixed == 0) out.writeInt(value.length);
                    for (byte b : value) out.writeInt(b);
                    for (int n = value.length; n < fixed; n++) out.writeInt(0);
                },
                in -> {
                    byte[] value = new byte[fixed == 0 ? bounded(in, max.of(LIST_MAX)) : fixed];
                    for (int n = 0; n < value.length; n++) value[n] = (byte) in.readInt();
                    return value;
                });
    }

    /// A number of elements, none of which is shorter than four octets: so many must still be there.
    private static int bounded(XdrReader in, int max) {
        int count = in.readLength(max);
        if (count > in.remaining() / 4) throw new XdrException("%d elements do not fit into the rest of the message".formatted(count));
        return count;
    }

    private static <T> Codec<List<T>> list(Codec<T> element, Limit max) {
        return codec(
                (out, value) -> {
                    out.writeInt(value.size());
                    for (T each : value) element.write(out, each);
                },
                in -> {
                    int count = bounded(in, max.of(LIST_MAX));
                    List<T> value = new ArrayList<>(count);
                    for (int n = 0; n < count; n++) value.add(element.read(in));
                    return value;
                });
    }

    private static <T> Codec<Optional<T>> optional(Codec<T> element) {
        return codec(
                (out, value) -> {
                    out.writeInt(value.isPresent() ? 1 : 0);
                    if (value.isPresent()) element.write(out, value.get());
                },
                in -> in.readInt() != 0 ? Optional.of(element.read(in)) : Optional.empty());
    }

    /// How much a component may hold, asked where one is read: Java makes classes to read an annotation by, which a daemon's first answers
    /// do not wait for.
    private static final class Limit {
        private final @Nullable RecordComponent component;
        private volatile int max;

        Limit(@Nullable RecordComponent component) {
            this.component = component;
        }

        /// @param otherwise where the component says nothing
        int of(int otherwise) {
            if (max == 0) {
                Max said = component == null ? null : component.getAnnotation(Max.class);
                max = said == null ? otherwise : said.value();
            }
            return max;
        }
    }

    /// @param annotated what says more of it
    private static Codec<?> component(Type type, @Nullable RecordComponent annotated) {
        if (type instanceof ParameterizedType generic) {
            Type element = generic.getActualTypeArguments()[0];
            if (generic.getRawType() == Optional.class) return optional(component(element, annotated));
            if (generic.getRawType() == List.class) return list(component(element, null), new Limit(annotated));
        }
        if (type == String.class) return string(new Limit(annotated));
        if (type == int.class || type == Integer.class) return INT;
        if (type == long.class || type == Long.class) return LONG;
        if (type == boolean.class) return BOOL;
        if (type == double.class) return DOUBLE;
        if (type == UUID.class) return UUID_OCTETS;
        if (type == byte[].class) {
            Chars chars = annotated == null ? null : annotated.getAnnotation(Chars.class);
            return chars == null ? opaque(new Limit(annotated)) : chars(chars.value(), new Limit(annotated));
        }
        if (type instanceof Class<?> named && (named.isRecord() || named.isSealed())) return of(named);
        throw new IllegalArgumentException(type + " has no form in XDR");
    }

    private static Codec<?> struct(Class<?> type) {
        RecordComponent[] components = type.getRecordComponents();
        Codec<?>[] codecs = new Codec<?>[components.length];
        Method[] accessors = new Method[components.length];
        Class<?>[] types = new Class<?>[components.length];
        for (int n = 0; n < components.length; n++) {
            types[n] = components[n].getType();
            codecs[n] = component(components[n].getGenericType(), components[n]);
            accessors[n] = components[n].getAccessor();
            accessors[n].setAccessible(true); // not asked again at each use
        }
        try {
            return new Struct(codecs, accessors, type.getConstructor(types));
        } catch (NoSuchMethodException e) {
            throw new IllegalArgumentException(type + " is no public record of an exported package", e);
        }
    }

    /// By reflection. Method handles are faster once they are compiled, but a daemon answers for seconds before they are: made for each
    /// record anew, they cost its first answers some ten milliseconds.
    private record Struct(Codec<?>[] codecs, Method[] accessors, Constructor<?> constructor) implements Codec<Object> {
        @Override
        public void write(XdrWriter out, Object value) {
            try {
                for (int n = 0; n < codecs.length; n++) writeComponent(out, codecs[n], accessors[n].invoke(value));
            } catch (ReflectiveOperationException e) {
                throw new AssertionError("an accessor of a record failed", e);
            }
        }

        @SuppressWarnings("unchecked") // a component's codec is of its type
        private static <T> void writeComponent(XdrWriter out, Codec<?> codec, Object value) {
            ((Codec<T>) codec).write(out, (T) value);
        }

        @Override
        public Object read(XdrReader in) {
            Object[] values = new Object[codecs.length];
            for (int n = 0; n < values.length; n++) values[n] = codecs[n].read(in);
            try {
                return constructor.newInstance(values);
            } catch (InvocationTargetException e) {
                if (e.getCause() instanceof IllegalArgumentException refused) throw new XdrException(String.valueOf(refused.getMessage()));
                throw new AssertionError("a record of the protocol cannot be made", e.getCause());
            } catch (ReflectiveOperationException e) {
                throw new AssertionError("a record of the protocol cannot be made", e);
            }
        }
    }

    private static Codec<?> union(Class<?> type) {
        Class<?>[] arms = type.getPermittedSubclasses();
        if (arms == null) throw new IllegalArgumentException(type + " is neither a record nor a sealed interface");
        Map<Integer, Codec<?>> byNumber = new HashMap<>();
        Map<Class<?>, NumberedArm> byType = new HashMap<>();
        for (Class<?> arm : arms) {
            Arm number = arm.getAnnotation(Arm.class);
            if (number == null) throw new IllegalArgumentException(arm + " has no @Arm");
            byNumber.put(number.value(), of(arm));
            byType.put(arm, new NumberedArm(number.value(), of(arm)));
        }
        return Codecs.<Object>codec(
                (out, value) -> {
                    NumberedArm arm = byType.get(value.getClass());
                    if (arm == null) throw new AssertionError(value.getClass() + " is no arm of " + type);
                    out.writeInt(arm.number());
                    Struct.writeComponent(out, arm.codec(), value);
                },
                in -> {
                    int number = in.readInt();
                    Codec<?> arm = byNumber.get(number);
                    if (arm == null) throw new XdrException("no arm %d of %s".formatted(number, type.getSimpleName()));
                    return arm.read(in);
                });
    }

    private record NumberedArm(int number, Codec<?> codec) {}
}
