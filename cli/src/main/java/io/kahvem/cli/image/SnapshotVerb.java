package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.qcow2.Qcow2Node;
import io.kahvem.block.qcow2.Snapshot;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `snapshot`.
@Command(name = "snapshot", description = "Lists, makes, applies or deletes an image's internal snapshots.")
final class SnapshotVerb extends ImageVerb {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    /// One of them; a list by default.
    private static final class Action {
        @Option(names = "-l", description = "List them.")
        @SuppressWarnings("UnusedVariable") // what happens without the others
        private boolean list;

        @Option(names = "-c", paramLabel = "NAME", description = "Make one of the disk as it is.")
        private @Nullable String create;

        @Option(names = "-a", paramLabel = "NAME", description = "Make the disk what it was.")
        private @Nullable String apply;

        @Option(names = "-d", paramLabel = "NAME", description = "Delete it.")
        private @Nullable String delete;
    }

    @ArgGroup
    private Action action = new Action();

    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = {"-U", "--force-share"}, description = "Though it is in use.")
    private boolean share;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    @Override
    int run() {
        boolean lists = action.create == null && action.apply == null && action.delete == null;
        OpenOptions options = lists ? OpenOptions.readOnly(format).withShareable(share) : OpenOptions.writable(format);
        try (BlockNode node = open(file, options.withBacking(false))) {
            Qcow2Node qcow2 = node instanceof Qcow2Node it ? it : null;
            if (lists) {
                if (qcow2 != null && !qcow2.snapshots().list().isEmpty()) say(table(qcow2.snapshots().list()).stripTrailing());
                return OK;
            }
            if (action.create != null) create(qcow2, action.create);
            if (action.apply != null) change(qcow2, "apply", action.apply);
            if (action.delete != null) change(qcow2, "delete", action.delete);
        }
        return OK;
    }

    private static void create(@Nullable Qcow2Node node, String name) {
        if (node == null) throw BlockException.invalid("Could not create snapshot '%s': Operation not supported".formatted(name));
        try {
            node.snapshots().create(name, Instant.now(), 0, 0);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not create snapshot '%s': %s".formatted(name, e.getMessage()), e);
        }
    }

    private static void change(@Nullable Qcow2Node node, String what, String name) {
        if (node == null || node.snapshots().find(name) == null) {
            throw BlockException.invalid("Could not %s snapshot '%s': snapshot not found".formatted(what, name));
        }
        try {
            if (what.equals("apply")) node.snapshots().apply(name);
            else node.snapshots().delete(name);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not %s snapshot '%s': %s".formatted(what, name, e.getMessage()), e);
        }
    }

    static String table(List<Snapshot> snapshots) {
        StringBuilder text = new StringBuilder("Snapshot list:\n");
        text.append("%-9s %-16s %8s%20s%13s%11s\n".formatted("ID", "TAG", "VM SIZE", "DATE", "VM CLOCK", "ICOUNT"));
        for (Snapshot s : snapshots) {
            String date = DATE.format(Instant.ofEpochSecond(s.dateSeconds()).atZone(ZoneId.systemDefault()));
            long millis = s.vmClockNanos() / 1_000_000;
            String clock = "%02d:%02d:%02d.%03d".formatted(millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60, millis % 1000);
            String icount = s.icount() < 0 ? "" : Long.toString(s.icount());
            text.append("%-9s %-16s %8s%20s%13s%11s\n".formatted(s.id(), s.name(), ByteSize.show(s.vmStateBytes()), date, clock, icount));
        }
        return text.toString();
    }
}
