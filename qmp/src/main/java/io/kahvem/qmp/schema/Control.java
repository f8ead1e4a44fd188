package io.kahvem.qmp.schema;

import java.util.List;
import java.util.Optional;

/// The protocol itself: QEMU's control.json, introspect.json, misc.json.
public interface Control {
    /// What a server says first, as the member `QMP` of an object.
    record Greeting(VersionInfo version, List<QmpCapability> capabilities) {}

    /// When an event happened.
    record Timestamp(long seconds, long microseconds) {}

    enum QmpCapability {
        OOB
    }

    @Name("qmp_capabilities")
    record QmpCapabilities(Optional<List<QmpCapability>> enable) implements Command<Empty> {}

    record QueryVersion() implements Command<VersionInfo> {}

    /// `qemu` is the release whose QMP this is; `packageName` says what is behind it.
    record VersionInfo(VersionTriple qemu, @Name("package") String packageName) {}

    record VersionTriple(long major, long minor, long micro) {}

    record QueryCommands() implements Command<List<CommandInfo>> {}

    record CommandInfo(String name) {}

    record QueryEvents() implements Command<List<EventInfo>> {}

    record EventInfo(String name) {}

    record QueryQmpSchema() implements Command<List<SchemaInfo>> {}

    @Discriminator("meta-type")
    sealed interface SchemaInfo {
        String name();

        record Builtin(String name, JsonType jsonType) implements SchemaInfo {}

        @Name("enum")
        record Enumeration(String name, List<SchemaInfoEnumMember> members, List<String> values) implements SchemaInfo {}

        record Array(String name, String elementType) implements SchemaInfo {}

        @Name("object")
        record Structure(
                String name, List<SchemaInfoObjectMember> members, Optional<String> tag, Optional<List<SchemaInfoObjectVariant>> variants)
                implements SchemaInfo {}

        @Name("command")
        record CommandType(String name, String argType, String retType, Optional<Boolean> allowOob) implements SchemaInfo {}

        @Name("event")
        record EventType(String name, String argType) implements SchemaInfo {}
    }

    enum JsonType {
        STRING,
        NUMBER,
        INT,
        BOOLEAN,
        NULL,
        OBJECT,
        ARRAY,
        VALUE
    }

    record SchemaInfoEnumMember(String name) {}

    /// `defaultValue` null says that the member may be left out.
    record SchemaInfoObjectMember(String name, String type, @Name("default") Optional<JsonNull> defaultValue) {}

    record SchemaInfoObjectVariant(@Name("case") String tag, String type) {}

    record Quit() implements Command<Empty> {}

    record HumanMonitorCommand(String commandLine, Optional<Long> cpuIndex) implements Command<String> {}
}
