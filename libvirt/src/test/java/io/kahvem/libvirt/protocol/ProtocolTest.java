package io.kahvem.libvirt.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ProtocolTest {
    private static final List<Class<?>> TABLES = List.of(
            Connections.class, Domains.class, DomainDevices.class, DomainEvents.class, Storage.class, Secrets.class, Nodes.class,
                    Qemu.class);

    private static List<Object> rows() {
        List<Object> rows = new ArrayList<>();
        for (Class<?> table : TABLES) {
            Arrays.stream(table.getDeclaredFields()).filter(field -> Modifier.isPublic(field.getModifiers())).forEach(field -> {
                try {
                    rows.add(field.get(null));
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            });
        }
        return rows;
    }

    @Test
    void everyRowsMessagesHaveAFormOnTheWire() {
        assertThat(rows()).hasSizeGreaterThan(200);
        for (Object row : rows()) {
            switch (row) {
                case Procedure<?, ?> procedure -> {
                    assertThat(procedure.argumentsCodec()).isNotNull();
                    assertThat(procedure.resultCodec()).isNotNull();
                }
                case Event<?> event -> assertThat(event.codec()).isNotNull();
                default -> throw new AssertionError(row);
            }
        }
    }

    @Test
    void noNumberStandsInTwoTables() {
        Set<String> seen = new HashSet<>();
        for (Object row : rows()) {
            String key = switch (row) {
                case Procedure<?, ?> procedure -> procedure.program() + "/" + procedure.number();
                case Event<?> event -> event.program() + "/" + event.number();
                default -> throw new AssertionError(row);
            };
            assertThat(seen.add(key)).as(key).isTrue();
        }
    }
}
