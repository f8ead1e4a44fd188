package io.kahvem.qmp.json;

import io.kahvem.qmp.schema.Command;
import io.kahvem.qmp.schema.Control.JsonType;
import io.kahvem.qmp.schema.Control.SchemaInfo;
import io.kahvem.qmp.schema.Control.SchemaInfoEnumMember;
import io.kahvem.qmp.schema.Control.SchemaInfoObjectMember;
import io.kahvem.qmp.schema.Control.SchemaInfoObjectVariant;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.JsonNull;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What query-qmp-schema tells: every command and event, and the types they need. As in QEMU, types but the built-in ones have numbers
/// for names.
public final class Introspection {
    private final List<SchemaInfo> infos = new ArrayList<>();
    private final Map<Object, String> names = new HashMap<>();

    private Introspection() {}

    public static List<SchemaInfo> of(List<Class<? extends Command<?>>> commands, List<Class<? extends Event>> events) {
        Introspection all = new Introspection();
        for (Class<? extends Command<?>> command : commands) {
            all.infos.add(new SchemaInfo.CommandType(
                    Names.of(command), all.name(Shape.ofRecord(command)), all.name(Shape.returned(command)), Optional.of(false)));
        }
        for (Class<? extends Event> event : events) {
            all.infos.add(new SchemaInfo.EventType(Names.of(event), all.name(Shape.ofRecord(event))));
        }
        return List.copyOf(all.infos);
    }

    private String name(Shape shape) {
        return switch (shape) {
            case Shape.Builtin builtin -> {
                String name = builtin.name().toLowerCase(Locale.ROOT);
                if (names.put(builtin, name) == null) infos.add(new SchemaInfo.Builtin(name, jsonType(builtin)));
                yield name;
            }
            case Shape.Array array -> {
                String element = name(array.element());
                String name = "[" + element + "]";
                if (names.put(name, name) == null) infos.add(new SchemaInfo.Array(name, element));
                yield name;
            }
            case Shape.Enumeration enumeration -> {
                String known = names.get(enumeration.type());
                if (known != null) yield known;
                String name = fresh(enumeration.type());
                List<String> values = List.copyOf(enumeration.constants().keySet());
                infos.add(new SchemaInfo.Enumeration(name, values.stream().map(SchemaInfoEnumMember::new).toList(), values));
                yield name;
            }
            case Shape.Structure structure -> {
                String known = names.get(structure.type());
                if (known != null) yield known;
                String name = fresh(structure.type());
                infos.add(new SchemaInfo.Structure(name, members(structure), Optional.empty(), Optional.empty()));
                yield name;
            }
            case Shape.Union union -> {
                String known = names.get(union.type());
                if (known != null) yield known;
                String name = fresh(union.type());
                List<SchemaInfoObjectVariant> variants = new ArrayList<>();
                union.variants().forEach((tag, variant) -> variants.add(new SchemaInfoObjectVariant(tag, name(variant))));
                SchemaInfoObjectMember tag = new SchemaInfoObjectMember(union.tag(), name(Shape.Builtin.STR), Optional.empty());
                infos.add(new SchemaInfo.Structure(name, List.of(tag), Optional.of(union.tag()), Optional.of(variants)));
                yield name;
            }
        };
    }

    private String fresh(Object type) {
        String name = Integer.toString(names.size());
        names.put(type, name);
        return name;
    }

    private List<SchemaInfoObjectMember> members(Shape.Structure structure) {
        return structure.members().stream()
                .map(member -> new SchemaInfoObjectMember(
                        member.name(), name(member.shape()), member.optional() ? Optional.of(JsonNull.NULL) : Optional.empty()))
                .toList();
    }

    private static JsonType jsonType(Shape.Builtin builtin) {
        return switch (builtin) {
            case STR -> JsonType.STRING;
            case INT -> JsonType.INT;
            case NUMBER -> JsonType.NUMBER;
            case BOOL -> JsonType.BOOLEAN;
            case NULL -> JsonType.NULL;
            case ANY -> JsonType.VALUE;
        };
    }
}
