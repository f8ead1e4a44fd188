package io.kahvem.qmp.json;

import io.kahvem.qmp.schema.Command;
import io.kahvem.qmp.schema.Discriminator;
import io.kahvem.qmp.schema.JsonNull;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What a Java type of the schema is in QAPI.
public sealed interface Shape {
    /// The built-in types, by their names in QAPI.
    enum Builtin implements Shape {
        STR,
        INT,
        NUMBER,
        BOOL,
        NULL,
        ANY
    }

    record Enumeration(Class<?> type, Map<String, Object> constants) implements Shape {}

    record Array(Shape element) implements Shape {}

    /// A record. The canonical constructor makes one of its members in order.
    record Structure(Class<?> type, List<Member> members) implements Shape {
        Object make(@Nullable Object[] values) {
            try {
                Class<?>[] types = Arrays.stream(type.getRecordComponents()).map(RecordComponent::getType).toArray(Class<?>[]::new);
                Constructor<?> canonical = type.getDeclaredConstructor(types);
                return canonical.newInstance(values);
            } catch (InvocationTargetException e) {
                if (e.getCause() instanceof RuntimeException refused) throw refused;
                throw new AssertionError(e);
            } catch (ReflectiveOperationException e) {
                throw new AssertionError("the schema's records are ours to make", e);
            }
        }
    }

    /// A sealed interface whose records are told apart by the member `tag`.
    record Union(Class<?> type, String tag, Map<String, Structure> variants) implements Shape {}

    record Member(String name, Shape shape, boolean optional, Method accessor) {
        Object of(Object record) {
            try {
                return accessor.invoke(record);
            } catch (ReflectiveOperationException e) {
                throw new AssertionError("the schema's records are ours to read", e);
            }
        }
    }

    static Structure ofRecord(Class<?> type) {
        List<Member> members = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            boolean optional = component.getType() == Optional.class;
            Type inner = optional ? argument(component.getGenericType()) : component.getGenericType();
            members.add(new Member(Names.of(component), of(inner), optional, component.getAccessor()));
        }
        return new Structure(type, List.copyOf(members));
    }

    static Shape of(Type type) {
        if (type instanceof ParameterizedType list && list.getRawType() == List.class) return new Array(of(argument(list)));
        if (type == String.class) return Builtin.STR;
        if (type == long.class || type == Long.class) return Builtin.INT;
        if (type == double.class || type == Double.class) return Builtin.NUMBER;
        if (type == boolean.class || type == Boolean.class) return Builtin.BOOL;
        if (type == JsonNull.class) return Builtin.NULL;
        if (type == Object.class) return Builtin.ANY;
        if (type instanceof Class<?> c && c.isEnum()) return enumeration(c);
        if (type instanceof Class<?> c && c.isRecord()) return ofRecord(c);
        if (type instanceof Class<?> c && c.isSealed()) return union(c);
        throw new AssertionError("QAPI has nothing for " + type);
    }

    /// What a command returns.
    static Shape returned(Class<?> command) {
        for (Type face : command.getGenericInterfaces()) {
            if (face instanceof ParameterizedType typed && typed.getRawType() == Command.class) return of(argument(typed));
        }
        throw new AssertionError(command + " is no command");
    }

    private static Shape enumeration(Class<?> type) {
        Map<String, Object> constants = new LinkedHashMap<>();
        for (Object constant : type.getEnumConstants()) constants.put(Names.of((Enum<?>) constant), constant);
        return new Enumeration(type, constants);
    }

    private static Shape union(Class<?> type) {
        Discriminator tag = type.getAnnotation(Discriminator.class);
        if (tag == null) throw new AssertionError(type + " has no discriminator");
        Map<String, Structure> variants = new LinkedHashMap<>();
        for (Class<?> variant : type.getPermittedSubclasses()) variants.put(Names.of(variant), ofRecord(variant));
        return new Union(type, tag.value(), variants);
    }

    private static Type argument(Type generic) {
        return ((ParameterizedType) generic).getActualTypeArguments()[0];
    }
}
