package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.tool.Chain;
import io.kahvem.block.tool.Chain.Status;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `map`.
@Command(name = "map", description = "Tells which parts of a disk are data, and in which file.")
final class MapVerb extends ImageVerb {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "--output", paramLabel = "human|json", description = "How the answer looks.")
    private String output = "human";

    @Option(names = {"-s", "--start-offset"}, paramLabel = "OFFSET", description = "Where to begin.")
    private String start = "0";

    @Option(names = {"-l", "--max-length"}, paramLabel = "LENGTH", description = "How much to tell of.")
    private @Nullable String length;

    @Option(names = {"-U", "--force-share"}, description = "Though it is in use.")
    private boolean share;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    private boolean first = true;

    @Override
    int run() {
        boolean json = isJson(output);
        long from = ByteSize.parse("start-offset", start);
        try (BlockNode node = open(file, OpenOptions.readOnly(format).withShareable(share))) {
            long end = node.sizeBytes();
            if (length != null) end = Math.min(end, from + ByteSize.parse("max-length", length));
            out().print(json ? "[" : "%-16s%-16s%-16s%s\n".formatted("Offset", "Length", "Mapped to", "File"));
            Status held = null;
            long heldStart = from;
            for (long at = from; at < end; ) {
                Status next = Chain.statusAt(node, at, end - at);
                if (held != null && continues(held, next)) {
                    held = longer(held, next.length());
                } else {
                    if (held != null) print(json, heldStart, held);
                    held = next;
                    heldStart = at;
                }
                at += next.length();
            }
            if (held != null) print(json, heldStart, held);
            if (json) out().println("]");
            out().flush();
        }
        return OK;
    }

    private static boolean continues(Status a, Status b) {
        return a.depth() == b.depth() && a.present() == b.present() && a.data() == b.data() && a.zero() == b.zero()
                && a.layer().equals(b.layer())
                && (a.fileOffset() < 0 ? b.fileOffset() < 0 : a.fileOffset() + a.length() == b.fileOffset());
    }

    private static Status longer(Status s, long more) {
        return new Status(
                s.layer(), s.depth(), s.length() + more, s.present(), s.data(), s.zero(), s.compressed(), s.fileOffset());
    }

    private void print(boolean json, long offset, Status s) {
        if (json) {
            out().print(first ? "" : ",\n");
            first = false;
            out().print("{ \"start\": %d, \"length\": %d, \"depth\": %d, \"present\": %s, \"zero\": %s, \"data\": %s".formatted(
                    offset, s.length(), s.depth(), s.present(), s.zero(), s.data()));
            if (s.fileOffset() >= 0) out().print(", \"offset\": " + s.fileOffset());
            out().print("}");
            return;
        }
        if (!s.data() || s.zero()) return;
        if (s.fileOffset() < 0) throw BlockException.invalid("File contains external, encrypted or compressed clusters.");
        out().println("%-16s%-16s%-16s%s".formatted(hex(offset), hex(s.length()), hex(s.fileOffset()), s.layer().fileAt(offset).name()));
    }

    /// C's `%#x`, which writes zero without the prefix.
    private static String hex(long value) {
        return value == 0 ? "0" : "0x" + Long.toHexString(value);
    }
}
