package io.kahvem.daemon.operations;

import io.kahvem.daemon.LazyLogger;
import io.kahvem.daemon.rpc.CallObserver;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Procedure.Access;
import io.kahvem.qmp.json.Json;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Who did what: a line of JSON for each call that changes something, and for each connection that opens or is not let in. No descriptions
/// and no secrets are in it. The file is opened anew for every line, so that it can be renamed at any time.
public final class AuditLog implements CallObserver {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.operations");

    private static final Set<StandardOpenOption> APPENDING = Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ALONE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path file;
    private final Clock clock;
    /// Kept, since reflection makes them anew each time it is asked.
    private final ClassValue<RecordComponent[]> components = new ClassValue<>() {
        @Override
        protected RecordComponent[] computeValue(Class<?> record) {
            return record.getRecordComponents();
        }
    };

    public AuditLog(Path file, Clock clock) {
        this.file = file;
        this.clock = clock;
    }

    @Override
    public void done(Done call) {
        if (!isOfInterest(call.procedure())) return;
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("time", clock.instant().truncatedTo(ChronoUnit.MILLIS).toString());
        line.put("user", call.client().user());
        line.put("from", call.client().link().local() ? "unix" : "network");
        line.put("call", call.procedure().api());
        object(call.result()).or(() -> object(call.arguments())).ifPresent(object -> line.put("object", object));
        LibvirtException error = call.error();
        line.put("done", error == null);
        if (error != null) line.put("error", String.valueOf(error.getMessage()));
        write(line);
    }

    private static boolean isOfInterest(Procedure<?, ?> procedure) {
        // By the names: how records are equal Java would first make code for, before a daemon's first answer.
        return procedure.access() == Access.WRITE || procedure.api().equals(Connections.OPEN.api())
                || procedure.api().equals(Connections.AUTH_SASL_STEP.api());
    }

    /// The name of the object that a call is about, and its UUID: of the first handle in the record.
    private Optional<String> object(@Nullable Record record) {
        if (record == null) return Optional.empty();
        if (record.getClass().getSimpleName().endsWith("Ref")) return Optional.of(handle(record));
        for (RecordComponent component : components.get(record.getClass())) {
            if (value(component, record) instanceof Record inner && inner.getClass().getSimpleName().endsWith("Ref")) {
                return Optional.of(handle(inner));
            }
        }
        return Optional.empty();
    }

    private String handle(Record ref) {
        StringBuilder text = new StringBuilder();
        for (RecordComponent component : components.get(ref.getClass())) {
            switch (component.getName()) {
                case "pool", "name", "uuid", "usageId" -> {
                    if (!text.isEmpty()) text.append(' ');
                    text.append(value(component, ref));
                }
                default -> {} // numbers that mean nothing later
            }
        }
        return text.toString();
    }

    private static Object value(RecordComponent component, Record record) {
        try {
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("a record of the protocol's tables is public: " + record.getClass(), e);
        }
    }

    private synchronized void write(Map<String, Object> line) {
        byte[] json = Json.bytes(line);
        ByteBuffer bytes = ByteBuffer.allocate(json.length + 1).put(json).put((byte) '\n').flip();
        try (FileChannel channel = open()) {
            while (bytes.hasRemaining()) channel.write(bytes);
        } catch (IOException e) {
            LOG.log(Level.ERROR, "cannot write the audit log {0}: {1}; not in it: {2}", file, e, line);
        }
    }

    private FileChannel open() throws IOException {
        try {
            return FileChannel.open(file, APPENDING, OWNER_ALONE);
        } catch (NoSuchFileException noDirectory) {
            Files.createDirectories(file.toAbsolutePath().getParent());
            return FileChannel.open(file, APPENDING, OWNER_ALONE);
        }
    }
}
