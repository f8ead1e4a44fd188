package io.kahvem.qmp.schema;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// All commands and events there are: the records of these interfaces. To add one, add a record.
public final class Schema {
    private static final List<Class<?>> PARTS =
            List.of(Control.class, RunStates.class, Machines.class, Balloons.class, Qom.class, Blocks.class, Screens.class, Jobs.class,
                    BlockJobs.class, Dumps.class, Devices.class,
                    Descriptors.class);

    private Schema() {}

    public static List<Class<? extends Command<?>>> commands() {
        return records(Command.class).<Class<? extends Command<?>>>map(Schema::asCommand).toList();
    }

    public static List<Class<? extends Event>> events() {
        return records(Event.class).<Class<? extends Event>>map(type -> type.asSubclass(Event.class)).toList();
    }

    @SuppressWarnings("unchecked")
    private static Class<? extends Command<?>> asCommand(Class<?> type) {
        return (Class<? extends Command<?>>) type.asSubclass(Command.class);
    }

    private static Stream<Class<?>> records(Class<?> kind) {
        return PARTS.stream().flatMap(part -> Arrays.stream(part.getDeclaredClasses())).filter(kind::isAssignableFrom);
    }
}
