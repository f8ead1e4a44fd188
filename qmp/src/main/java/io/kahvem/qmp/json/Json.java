package io.kahvem.qmp.json;

import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.JsonNull;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/// JSON text and trees, as [Codec] has them. QEMU also takes strings in single quotes.
public final class Json {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(JsonFramer.MAX_NESTING + 1)
                    .maxStringLength(JsonFramer.MAX_BYTES)
                    .maxNameLength(JsonFramer.MAX_BYTES)
                    .build())
            .build();

    private Json() {}

    /// The one value in `text`. Throws [QmpException] for anything else.
    public static Object parse(byte[] text) {
        if (text.length == 0 || "}],:".indexOf(text[0]) >= 0) throw malformed("expecting value");
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() == null) throw malformed("expecting value");
            Object value = value(parser);
            if (parser.nextToken() != null) throw malformed("more than one value");
            return value;
        } catch (JacksonException e) {
            throw malformed(e.getOriginalMessage());
        }
    }

    /// `tree` in one line, without its end.
    public static byte[] bytes(Object tree) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), out)) {
            write(generator, tree);
        }
        return out.toByteArray();
    }

    /// The same with the end that QMP's lines have.
    public static byte[] line(Object tree) {
        byte[] json = bytes(tree);
        byte[] line = Arrays.copyOf(json, json.length + 2);
        line[json.length] = '\r';
        line[json.length + 1] = '\n';
        return line;
    }

    static QmpException malformed(String what) {
        String line = what.lines().findFirst().orElse("");
        return new QmpException("JSON parse error, " + (line.length() <= 200 ? line : line.substring(0, 200) + "..."));
    }

    private static Object value(JsonParser parser) {
        JsonToken token = parser.currentToken();
        return switch (token) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT -> switch (parser.getNumberType()) {
                case INT, LONG -> parser.getLongValue();
                case BIG_INTEGER, FLOAT, DOUBLE, BIG_DECIMAL -> parser.getBigIntegerValue();
            };
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> Boolean.TRUE;
            case VALUE_FALSE -> Boolean.FALSE;
            case VALUE_NULL -> JsonNull.NULL;
            default -> throw malformed("expecting value");
        };
    }

    /// The nesting is bounded by the framer, so recursion is.
    private static Map<String, Object> object(JsonParser parser) {
        Map<String, Object> object = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            parser.nextToken();
            if (object.put(name, value(parser)) != null) throw malformed("duplicate key");
        }
        return object;
    }

    private static List<Object> array(JsonParser parser) {
        List<Object> array = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) array.add(value(parser));
        return array;
    }

    private static void write(JsonGenerator generator, Object tree) {
        if (tree instanceof String text) {
            generator.writeString(text);
        } else if (tree instanceof Long number) {
            generator.writeNumber(number);
        } else if (tree instanceof Boolean bool) {
            generator.writeBoolean(bool);
        } else if (tree instanceof Map<?, ?> object) {
            generator.writeStartObject();
            object.forEach((name, value) -> {
                generator.writeName(String.valueOf(name));
                write(generator, value);
            });
            generator.writeEndObject();
        } else if (tree instanceof List<?> array) {
            generator.writeStartArray();
            array.forEach(element -> write(generator, element));
            generator.writeEndArray();
        } else if (tree instanceof BigInteger number) {
            generator.writeNumber(number);
        } else if (tree instanceof Double number) {
            generator.writeNumber(number);
        } else if (tree instanceof JsonNull) {
            generator.writeNull();
        } else {
            throw new AssertionError("no JSON for " + tree.getClass());
        }
    }
}
